Its input backwards

>,[>,]<[.<]
