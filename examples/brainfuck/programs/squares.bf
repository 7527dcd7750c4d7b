Squares of 0 to 9 as sums of odd numbers, in two decimal digits
Cells: 0 rounds left, 1 odd number, 2 its copy, 3 tens, 4 ones, 5 ones until the carry, 6 flag, 7 zero

++++++++++                                          ten rounds
>+                                                  the first odd number
>>>>++++++++++<<<<<                                 ten ones until the carry
[
  >>>
  ++++++++++++++++++++++++++++++++++++++++++++++++.
  ------------------------------------------------
  >
  ++++++++++++++++++++++++++++++++++++++++++++++++.
  ------------------------------------------------
  >>>++++++++++.[-]                                 newline, and zero again
  <<<<<<[->+>>>>+<<<<<]>>>>>[-<<<<<+>>>>>]<<<<      copy the odd number
  [                                                 as many times as it says:
    ->>+>-                                          one more
    >+<[>-]>[<<[-]<+>>++++++++++>->]<               and the carry, if there are none left
    <<<<
  ]
  <++                                               the next odd number
  <-
]
