;;; one instruction
#ruledef {
  nop => 0x12
  twice => asm { nop
    nop }
}
twice ; = 0x1212
;;; parameters
#ruledef {
  ld {x} => 0x1 @ x`4
  two {x} => asm {
    ld {x}
    ld { x }
  }
}
two 5 ; = 0x1515
;;; parameters are text
#ruledef {
  ld {x} => x`8
  double {x} => asm { ld {x} * 2 }
}
double 1 + 2 ; = 0x05
;;; variables are values
#ruledef {
  ld {x} => x`8
  double {x} => {
    y = x
    asm { ld {y} * 2 }
  }
}
double 1 + 2 ; = 0x06
;;; overwritten parameters are values
#ruledef {
  ld {x} => x`8
  double {x} => {
    x = x + 0
    asm { ld {x} * 2 }
  }
}
double 1 + 2 ; = 0x06
;;; nested arguments are text
#ruledef {
  ld {r: reg} => 0x1 @ r
  both {r: reg} => asm {
    ld {r}
    ld b
  }
}
#subruledef reg { a => 0x1
 b => 0x2
}
both a ; = 0x1112
;;; names without braces are symbols
#ruledef {
  ld {x} => x`8 ; note: within
  foo {x} => asm { ld x } ; note: within / error: failed to resolve instruction / error: unknown symbol `x`
}
foo 5 ; error: failed to resolve instruction
;;; symbols
x = 7
#ruledef {
  ld {x} => x`8
  foo => asm { ld x }
}
foo ; = 0x07
;;; labels
#ruledef {
  j {x} => x`8
  loop => asm {
    j end
    top: j top
    end:
  }
}
j 0
loop
loop ; = 0x0003020504
;;; labels hide symbols
top = 9
#ruledef {
  j {x} => x`8
  loop => asm {
    top: j top
  }
}
j top
loop ; = 0x0901
;;; labels choose sizes
#ruledef {
  j {x} => { assert(x < 4), 0x1 @ x`4 }
  j {x} => { assert(x >= 4), 0x22 @ x`8 }
  loop => asm {
    j end
    j end
    end:
  }
}
loop
loop ; = 0x2204220422082208
;;; labels on the same line
#ruledef {
  nop => 0x12
  foo => asm { a: nop }
}
foo ; = 0x12
;;; an unknown instruction
#ruledef {
  foo => asm { bar } ; note: within / error: no match found for instruction
}
foo ; error: failed to resolve instruction
;;; an unknown instruction with arguments
#ruledef {
  foo {x} => asm { bar {x} } ; note: within / note: match attempted: `bar 5` / error: no match found for instruction
}
foo 5 ; error: failed to resolve instruction
;;; an unknown argument
#ruledef {
  nop {x} => 0x1
  foo {x} => asm { nop {y} } ; note: within / error: unknown substitution argument `y`
}
foo 5 ; error: failed to resolve instruction
;;; no name in braces
#ruledef {
  foo {x} => asm { nop {1} } ; error: expected identifier
}
;;; two names in braces
#ruledef {
  foo {x} => asm { nop {x y} } ; error: expected `}`
}
;;; constants
#ruledef {
  foo {x} => asm {
    a = 5 ; error: only labels are permitted in `asm` blocks
  }
}
;;; dotted labels
#ruledef {
  foo {x} => asm {
    .a: ; error: only top-level labels are permitted in `asm` blocks
  }
}
;;; directives
#ruledef {
  foo {x} => asm {
    #d8 5 ; error: invalid content for `asm` block
  }
}
;;; an empty block
#ruledef {
  foo => asm {}
  bar => asm { } @ 0x1
}
foo
bar ; = 0x1
;;; braces count in comments
#ruledef {
  nop => 0x12
  foo => asm { nop
  ; } @ 0x34
}
foo ; = 0x1234
;;; concatenation
#ruledef {
  nop => 0x12
  foo => 0x0 @ asm { nop } @ 0x3
}
foo ; = 0x0123
;;; arithmetic
#ruledef {
  ld {x} => 0x1 @ x`4
  foo {x} => (asm { ld {x} } + 1)`8
}
foo 5 ; = 0x16
;;; in data
#ruledef {
  ld {x} => 0x1 @ x`4
}
#d asm {
  ld 5
  ld 6
} ; = 0x1516
#d8 asm { ld 7 } ; = 0x17
;;; in constants
#ruledef {
  ld {x} => 0x1 @ x`4
}
x = asm { ld 5 }
#d x ; = 0x15
;;; in functions
#ruledef {
  ld {x} => 0x1 @ x`4
}
#fn f(a) => asm { ld {a} }
#d f(5) ; = 0x15
;;; an assertion in a block does not drop the rule
#ruledef {
  ld {x} => { assert(x < 5), 0x1 @ x`4 } ; note: within / error: assertion failed
  foo {x} => asm { ld {x} } ; note: within / error: failed to resolve instruction / note: match attempted: `ld 7`
  foo {x} => 0x2222
}
foo 7 ; error: failed to resolve instruction
;;; ambiguous instructions in a block
#ruledef {
  ld {x} => 0x1 @ x`4 ; note: match on
  ld {x} => 0x2 @ x`4 ; note: match on
  foo => asm { ld 5 } ; note: within / error: multiple matches with the same encoding size
}
foo ; error: failed to resolve instruction
;;; 12 blocks in each other
#ruledef {
  rep {n} => n == 0 ? 0x1 : asm { rep {n} - 1 }
}
rep 11 ; = 0x1
;;; recursion that ends
#ruledef {
  rep {n} => n == 0 ? 0x0`0 : asm { nop
   rep {n} - 1 }
  nop => 0x12
}
rep 5 ; = 0x1212121212
;;; addresses
#ruledef {
  here => $`8
  foo => asm { here
    here
    here }
}
here
foo ; = 0x00010203
;;; dollar as an argument
#ruledef {
  ld {x} => x`8
  foo {x} => asm { ld {x}
   ld {x} }
}
ld 0
foo $ ; = 0x000102
;;; forward references
#ruledef {
  ld {x} => x`8
  foo => asm { ld end }
}
foo
ld end
end: ; = 0x0202
;;; labels of the block in other rules' arguments
#ruledef {
  ld {x} => x`8
  two {x} => asm { ld {x}
    ld {x} }
  foo => asm {
    ld 0
    a: two a
  }
}
ld 9
foo ; = 0x09000202
;;; blocks in arguments
#ruledef {
  nop => 0x12
  ld {x} => x
}
ld asm { nop } ; = 0x12
;;; sizes
#ruledef {
  nop => 0x12
  foo => sizeof(asm { nop
   nop })`8
}
foo ; = 0x10
;;; comments in blocks
#ruledef {
  nop => 0x12
  foo => asm {
    nop ; one
    ; two
    nop ;* three *;
  }
}
foo ; = 0x1212
;;; several in a line
#ruledef {
  nop => 0x12
  foo => asm { nop nop } ; note: within / error: no match found for instruction
}
foo ; error: failed to resolve instruction
;;; local names
#ruledef {
  ld {x} => x`8
  foo {x} => asm { ld {x} }
}
a:
.b = 5
foo .b
c:
.b = 6
foo .b ; = 0x0506
;;; blocks count in each other
#ruledef {
  rep {n} => n == 0 ? 0x1 : asm { rep {n} - 1 }
}
rep 12 ; = 0x1
