Four cells get near the characters needed: 72 (H) 32 (space) 104 (h) and 8

++++++++[>+++++++++>++++>+++++++++++++>+<<<<-]

>.                  H
>>---.              e
+++++++..           ll
+++.                o
<++++++++++++.      comma
------------.       space
>++++++++.          w
--------.           o
+++.                r
------.             l
--------.           d
<+.                 exclamation mark
>>++.               newline
