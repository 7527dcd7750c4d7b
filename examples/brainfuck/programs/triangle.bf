A triangle of stars: five rows, each one star longer than the one before
Cells: 0 rows left, 1 length, 2 and 3 copies of it, 4 star, 5 newline

+++++
>>>>++++++++++++++++++++++++++++++++++++++++++
>++++++++++
<<<<<
[
  >+[->+>+<<]>>[-<<+>>]<
  [>>.<<-]
  >>>.<<<<<-
]
