;;; one rule
#ruledef cpu
{
    nop => 0x12
}
nop ; = 0x12
;;; case does not count in literals
#ruledef { Nop => 0x12
}
nOP ; = 0x12
;;; a parameter
#ruledef { ld {x} => 0x1 @ x`4
}
ld 5 ; = 0x15
;;; two parameters
#ruledef { ld {x}, {y} => x`4 @ y`4
}
ld 1, 2 ; = 0x12
;;; free spacing around commas
#ruledef { ld {x},{y} => x`4 @ y`4
}
ld 1,2
ld 1 , 2
ld 1,   2
ld   1,2 ; = 0x12121212
;;; comments in instructions
#ruledef { ld {x},{y} => x`4 @ y`4
}
ld 1 ;* a *;, 2 ; = 0x12
;;; a comment is no space
#ruledef { ld {x} => 0x1
}
ld;* *;5 ; error: no match found for instruction
;;; line breaks in braces
#ruledef { ld {x} => 0x1 @ x`4
}
ld {
 y = 5
 y } ; = 0x15
;;; a rule set without rules
#ruledef {}
#d8 1 ; = 0x01
;;; no space after the name
#ruledef cpu{ nop => 0x12
}
nop ; = 0x12
;;; the body on the next line
#ruledef {
  nop =>
    0x12
}
nop ; = 0x12
;;; a body of several lines
#ruledef {
  ld {x} => {
    y = x + 1
    z = y * 2
    z`8
  }
}
ld 5 ; = 0x0c
;;; no line break at the end of a rule
#ruledef { nop => 0x12 } ; error: expected line break
;;; no pattern
#ruledef { => 0x12 ; error: expected pattern
}
;;; no arrow
#ruledef { nop ; error: invalid pattern token
}
;;; no body
#ruledef {
  nop => ; error: expected expression
}
;;; a string in a pattern
#ruledef { nop "a" => 0x12 ; error: invalid pattern token
}
;;; a colon in a pattern
#ruledef { nop : => 0x12 ; error: invalid pattern token
}
;;; an empty parameter
#ruledef { nop {} => 0x12 ; error: expected identifier
}
;;; a parameter twice
#ruledef { nop {x} {x} => 0x12 ; error: duplicate parameter `x`
}
;;; an unknown type
#ruledef { nop {x: foo} => 0x12 ; error: unknown ruledef `foo`
}
;;; a rule set's name twice
#ruledef a { ; note: first declared here
}
#ruledef a { ; error: duplicate ruledef `a`
}
;;; unnamed rule sets
#ruledef { a => 0x1
}
#ruledef { b => 0x2
}
a
b ; = 0x12
;;; rules may stand behind their use
nop ; = 0x12
#ruledef { nop => 0x12
}
;;; signs in patterns
#ruledef {
  + - * / % ! & | ^ ~ @ < > [ ] ( ) . , # => 0x1
  -> <- => 0x2
}
+ - * / % ! & | ^ ~ @ < > [ ] ( ) . , #
-> <- ; = 0x12
;;; a number in a pattern
#ruledef { set 1 => 0x11
 set 2 => 0x22
}
set 1
set 2 ; = 0x1122
;;; keywords in patterns
#ruledef { true asm => 0x11
}
true asm ; = 0x11
;;; no match
#ruledef { nop => 0x12
}
nope ; error: no match found for instruction
no ; error: no match found for instruction
nop nop ; error: no match found for instruction
nop ; a fine one
;;; an unclosed parenthesis
#ruledef { ld {x} => 0x1
}
ld (1 ; error: no match found for instruction
;;; literal characters are counted
#ruledef {
  ld {x} => 0x11
  ld a => 0x22
}
a = 5
ld a
ld a + 1
ld b ; = 0x221111
b = 1
;;; literals decide before anything is evaluated
#ruledef {
  ld {x} => 0x11
  ld a => { assert(false), 0x22 } ; note: within / error: assertion failed
}
ld a ; error: failed to resolve instruction
;;; the same in a text
#ruledef {
  a {x} => 0x11
  ab{x} => 0x22 @ x`8
}
ab5 ; = 0x2205
;;; prefixes choose rules
#ruledef {
  h alt => 0x1
}
halt ; error: no match found for instruction
;;; spaces in words after the prefix
#ruledef {
  halt_now => 0x11
  jump_ab => 0x22
}
jump_a b
halt_n ow ; = 0x2211
;;; a space within the prefix
#ruledef {
  halt_now => 0x11
}
ha lt_now ; error: no match found for instruction
;;; glued parameters
#ruledef { ld r{n} => 0x1 @ n`4
}
sym = 7
ld r5
ld r 5
ld r(2+3)
ld rsym ; = 0x15151517
;;; glued condition
#ruledef { j{cc: cond} => 0x1 @ cc
}
#subruledef cond { z => 0x1
 nz => 0x2
}
jz
jnz ; = 0x1112
;;; percent before a parameter
#ruledef { ld %{n} => n`8
}
ld %101 ; = 0x65
;;; the limit after a parameter
#ruledef { mv {a} to {b} => a`4 @ b`4
}
foo = 3
fo = 1
mv fo to 2 ; = 0x12
;;; the limit in the middle of a word
#ruledef { mv {a} to {b} => a`4 @ b`4
}
foot = 3
foo = 1
mv foot to 2 ; = 0x32
;;; a call or parentheses
#ruledef { f {x} ({y}) => x`4 @ y`4
}
v = 1
f v (2) ; = 0x12
;;; commas in calls
#ruledef { f {x}, {y} => x`4 @ y`4
}
#fn g(a, b) => a + b
f g(1, 2), 4 ; = 0x34
;;; commas in braces
#ruledef { f {x}, {y} => x`4 @ y`4
}
f { 1, 2 }, 4 ; = 0x24
;;; brackets
#ruledef {
  ld [{x}] => 0x1 @ x`4
  ld {x} => 0x2 @ x`4
}
ld [5]
ld 5 ; = 0x1525
;;; brackets and slices
#ruledef { ld {x}[{y}] => x`4 @ y`4
}
ld 5 [2]
ld (5)[2] ; = 0x5252
;;; an expression takes all that it can
#ruledef { ld {x} + {y} => x`4 @ y`4
}
ld 1 + 2 ; = 0x12
;;; a parameter after a parameter
#ruledef { ld {x} {y} => x`4 @ y`4
}
ld 1 2 ; = 0x12
;;; unsized
#ruledef {
  ld {x} => x ; error: expected integer with definite size
}
ld 5 ; error: failed to resolve instruction
;;; unsized at the end of a block
#ruledef {
  ld {x} => {
    y = 1
    x ; error: expected integer with definite size
  }
}
ld 5 ; error: failed to resolve instruction
;;; booleans are no encodings
#ruledef {
  ld {x} => x == 5 ; error: expected integer with definite size
}
ld 5 ; error: failed to resolve instruction
;;; strings are encodings
#ruledef {
  text => "ab"
  say {x} => x
}
text
say "cd" ; = 0x61626364
;;; an argument is no boolean
#ruledef {
  ld {x} => 0x1 ; note: within
}
ld true ; error: failed to resolve instruction / error: expected integer
;;; an argument is no function
#ruledef {
  ld {x} => 0x1 ; note: within
}
#fn f() => 1
ld f ; error: failed to resolve instruction / error: expected integer
;;; an unknown symbol
#ruledef {
  ld {x} => 0x1 @ x`4 ; note: within
}
ld y ; error: failed to resolve instruction / error: unknown symbol `y`
;;; an unknown symbol in a body
#ruledef {
  ld {x} => 0x1 @ z`4 ; note: within / error: unknown symbol `z`
}
ld 5 ; error: failed to resolve instruction
;;; an unknown symbol in one of two
#ruledef {
  ld {x: u8} => 0x1 @ x ; note: within
  ld {x: u16} => 0x2 @ x
}
ld y ; error: failed to resolve instruction / error: unknown symbol `y`
;;; an error in one of two
#ruledef {
  ld {x} => 0x1 @ (1/0)`4 ; note: within / error: division by zero
  ld {x: u16} => 0x2 @ x
}
ld 5 ; error: failed to resolve instruction
;;; the smallest encoding
#ruledef {
  ld {x: u16} => 0x22 @ x
  ld {x: u8} => 0x11 @ x
}
ld 5
ld 500 ; = 0x11052201f4
;;; the smallest encoding of labels
#ruledef {
  j {x: u8} => 0x11 @ x
  j {x: u16} => 0x22 @ x
}
j end
j 0x1234
end: ; = 0x1105221234
;;; guesses decide
#ruledef {
  j {a} => { assert(a < 8)
             0x1 @ a`4 }
  j {a} => 0x2 @ a`12
}
j end
end: ; = 0x11
;;; several of the same size
#ruledef {
  ld {x: u8} => 0x11 @ x ; note: match on `#anonymous_ruledef_0`, rule 0:
  ld {y: u8} => 0x22 @ y ; note: match on `#anonymous_ruledef_0`, rule 1:
}
ld 5 ; error: multiple matches with the same encoding size
;;; several of the same size nested
#ruledef cpu {
  ld {x: a} => 0x11 @ x ; note: match on `cpu`, rule 0: / note: match on `cpu`, rule 0:
}
#subruledef a {
  {v: u8} => v ; note: nested match on `a`, rule 0:
  {w: s8} => w ; note: nested match on `a`, rule 1:
}
ld 5 ; error: multiple matches with the same encoding size
;;; assertions choose
#ruledef {
  ld {x} => { assert(x < 5), 0x11 @ x`8 }
  ld {x} => { assert(x >= 5), 0x22 @ x`8 }
}
ld 4
ld 5 ; = 0x11042205
;;; all failed
#ruledef cpu {
  ld {x} => { assert(x < 5), 0x11 } ; note: within `cpu`, rule 0 / error: assertion failed
  ld {x: u4} => 0x22 @ x ; note: within `cpu`, rule 1
}
ld 20 ; error: failed to resolve instruction / error: argument out of range for type `u4`
;;; assertion with a text
#ruledef cpu {
  ld {x} => { assert(x < 5, "small ones only"), 0x11 } ; note: within / error: assertion failed: small ones only
}
ld 20 ; error: failed to resolve instruction
;;; out of range and used
#ruledef cpu {
  ld {x: u8} => 0x11 @ x ; note: within `cpu`, rule 0
}
ld 256 ; error: failed to resolve instruction / error: argument out of range for type `u8`
;;; out of range and not used
#ruledef {
  ld {x: u8} => 0x55
}
ld 999 ; = 0x55
;;; local variables
#ruledef {
  ld {x} => { a = x, b = a + 1, b`8 }
}
ld 1 ; = 0x02
;;; parameters may be overwritten
#ruledef {
  ld {x} => { x = x + 1, x`8 }
}
ld 1 ; = 0x02
;;; parameters hide symbols
x = 9
#ruledef {
  ld {x} => x`8
}
ld 1 ; = 0x01
;;; functions in bodies
#ruledef {
  ld {x} => f(x)
}
#fn f(a) => a`8
ld 7 ; = 0x07
;;; errors in functions stand in all that led there
#ruledef {
  ld {x} => f(x) ; note: within / error: failed to resolve function call
}
#fn f(a) => (1/0)`8 ; note: within function `f` / error: division by zero
ld 7 ; error: failed to resolve instruction
;;; addresses in bodies
#ruledef {
  here => $`8
  j {x} => (x - $)`8
}
here
j end
here
end: ; = 0x000202
;;; addresses as arguments
#ruledef {
  ld {x} => x`8
}
ld 1
ld $ ; = 0x0101
;;; local names of the caller
#ruledef {
  ld {x} => x`8
  ld2 => .y`8
}
a:
.y = 1
ld .y
ld2
b:
.y = 2
ld .y
ld2 ; = 0x01010202
;;; an instruction in the arms of a condition
#ruledef { nop => 0x12
}
#if true {
  nop
}
; = 0x12
;;; a brace ends the instruction
#ruledef { nop => 0x12
}
#if true { nop } ; error: expected line break
;;; labels before instructions
#ruledef { ld {x} => x`8
}
a: ld a
.b: ld .b
c: .d: ld c.d ; = 0x000102
;;; empty encodings
#ruledef { nothing => 0x0`0
}
nothing
#d8 1 ; = 0x01
;;; unaligned instructions
#ruledef { a => 0x1
 b => 0b101
}
a
b
a ; = 0b00011010001
;;; a space of the pattern that is missing
#ruledef { ld {x}, {y} => x`4 @ y`4
}
ld 1,2 ; error: no match found for instruction
;;; an instruction that swings between sizes
#ruledef {
  j {x} => { assert(x <= 1), 0x2222 }
  j {x} => { assert(x > 1), 0x11 }
}
j end ; error: instruction encoding did not converge
end: ; error: label address did not converge
