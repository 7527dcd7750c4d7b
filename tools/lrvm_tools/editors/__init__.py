"""LASM in editors: the words to colour, a TextMate grammar and a Pygments lexer made from them."""
