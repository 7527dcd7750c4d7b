; 12 times 13 on the machine of tiny8.asm, by adding and shifting; the product is left at `product`.

start:
    mov a, 12
    mov b, 13
    mov c, 0
.next:
    shr a
    jump.nc .skip
    add c, b
.skip:
    shl b
    mov d, a
    add d, 0
    jump.nz .next
    st [product], c
    halt

product:
    #d8 0
