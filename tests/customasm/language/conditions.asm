;;; if
#if true
{
  #d8 1
}
#if false
{
  #d8 2
}
; = 0x01
;;; else
#if false {
  #d8 1
} #else {
  #d8 2
}
; = 0x02
;;; else on the next line
#if false {
  #d8 1
}
#else
{
  #d8 2
}
; = 0x02
;;; elif
#if x == 1 {
  #d8 1
} #elif x == 2 {
  #d8 2
} #elif x == 3 {
  #d8 3
} #else {
  #d8 4
}
x = 3 ; = 0x03
;;; nothing holds
#if false {
  #d8 1
} #elif false {
  #d8 2
}
; = 0x
;;; nested
#if true {
  #if false {
    #d8 1
  } #else {
    #d8 2
    #if true {
      #d8 3
    }
  }
}
; = 0x0203
;;; constants of arms
#if a == 1 {
  b = 2
}
#if true {
  a = 1
}
#d8 b ; = 0x02
;;; constants of arms decide others
#if b == 2 {
  c = 3
}
#if a == 1 {
  b = 2
}
a = 1
#d8 c ; = 0x03
;;; rules in arms
#if true {
  #ruledef { nop => 0x12
  }
}
nop ; = 0x12
;;; banks in arms
#if true {
  #bankdef a { addr = 5, outp = 0 }
}
#d8 $ ; = 0x05
;;; functions in arms
#if true {
  #fn f(x) => x + 1
}
#d8 f(1) ; = 0x02
;;; labels in arms
#if true {
  a: #d8 1
}
#d8 a ; = 0x0100
;;; names of arms that do not hold
#if false {
  a = 1
}
#d8 a ; error: failed to resolve data element / error: unknown symbol `a`
;;; no line break is needed after an arm
#if true { #d8 1
} #d8 2 ; = 0x0102
;;; no boolean
#if 1 { ; error: unresolved condition
}
;;; an unknown name
#if x { ; error: unresolved condition / error: unknown symbol `x`
}
;;; a label
#if x == 0 { ; error: unresolved condition / error: unresolved symbol `x`
}
x:
;;; an address
#if $ == 0 { ; error: unresolved condition / error: cannot get address in this context
}
;;; a function
#fn f() => true
#if f() { ; error: unresolved condition / error: unresolved symbol `f`
}
;;; a local name
x:
.y = 1
#if .y == 1 { ; error: unresolved condition / error: unknown symbol `.y`
}
;;; a full local name
x:
.y = 1
#if x.y == 1 {
  #d8 5
} ; = 0x05
;;; built-in functions
#if strlen("abc") == 3 {
  #d8 5
} ; = 0x05
;;; assembling
#if sizeof(asm {}) == 0 { ; error: unresolved condition / error: cannot resolve expression
}
;;; only the first is told
#if x { ; error: unresolved condition / error: unknown symbol `x`
}
#if y {
}
;;; an error in a condition
#if 1 / 0 == 1 { ; error: division by zero
}
;;; lazy conditions
#if true || x {
  #d8 1
} ; = 0x01
;;; no braces
#if true ; error: expected `{`
#d8 1
;;; an unclosed arm
#if true {
  #d8 1
; error: expected `}`
;;; else without if
#else { ; error: unknown directive `else`
}
;;; elif without if
#elif true { ; error: unknown directive `elif`
}
;;; upper case else
#if false {
} #ELSE { ; error: unknown directive `ELSE`
}
;;; upper case if
#IF true {
  #d8 1
} ; = 0x01
;;; local labels around arms
a:
#if true {
  .b: #d8 1
}
.c: #d8 a.b, a.c ; = 0x010001
;;; functions
#fn f(a, b) => a + b
#d8 f(1, 2) ; = 0x03
;;; functions without commas
#fn f(a b) => a + b
#d8 f(1, 2) ; = 0x03
;;; functions without arguments
#fn f() => 0x12
#d f() ; = 0x12
;;; functions with blocks
#fn f(a) => {
  x = a * 2
  x + 1
}
#d8 f(3) ; = 0x07
;;; functions used before they are defined
#d8 f(3) ; = 0x04
#fn f(a) => a + 1
;;; functions that call others
#fn f(a) => g(a) * 2
#fn g(a) => a + 1
#d8 f(3) ; = 0x08
;;; functions that call themselves
#fn f(a) => a == 0 ? 0 : a + f(a - 1)
#d8 f(10) ; = 0x37
;;; functions as arguments
#fn twice(f, x) => f(f(x))
#fn inc(a) => a + 1
#d8 twice(inc, 1) ; = 0x03
;;; functions as constants
g = f
#fn f(a) => a + 1
#d8 g(1) ; = 0x02
;;; too few arguments
#fn f(a, b) => a
#d8 f(1) ; error: failed to resolve data element / error: function expected 2 arguments (but got 1)
;;; too many arguments
#fn f(a) => a
#d8 f(1, 2) ; error: failed to resolve data element / error: function expected 1 argument (but got 2)
;;; functions see symbols
x = 5
#fn f() => x
#d8 f() ; = 0x05
;;; functions do not see variables
#fn f() => a ; note: within function `f` / error: unknown symbol `a`
#d8 { a = 1, f() } ; error: failed to resolve data element / error: failed to resolve function call
;;; functions see the caller's address
#fn here() => $
#d8 1, here(), here() ; = 0x010102
;;; functions see the caller's local names
#fn f() => .x
a:
.x = 1
#d8 f() ; = 0x01
b:
.x = 2
#d8 f() ; = 0x02
;;; functions are global
a:
#fn f() => 1
.b = 2
#d8 f(), a.b ; = 0x0102
;;; functions and symbols share names
f = 1 ; note: first declared here
#fn f() => 1 ; error: duplicate symbol `f`
;;; the same function twice
#fn f() => 1 ; note: first declared here
#fn f() => 1 ; error: duplicate symbol `f`
;;; functions are no numbers
#fn f() => 1
#d8 f ; error: failed to resolve data element / error: expected integer
;;; errors in functions
#fn f(a) => 1 / a ; note: within function `f` / error: division by zero
#d8 f(0) ; error: failed to resolve data element / error: failed to resolve function call
;;; errors in functions of functions
#fn f(a) => g(a) ; note: within function `f` / error: failed to resolve function call
#fn g(a) => 1 / a ; note: within function `g` / error: division by zero
#d8 f(0) ; error: failed to resolve data element / error: failed to resolve function call
;;; assertions in functions
#fn f(a) => { assert(a < 5), a }
#d8 f(4) ; = 0x04
;;; two functions in a line
#fn f() => 1 #fn g() => 2
#d8 f(), g() ; = 0x0102
;;; no arrow
#fn f() 1 ; error: expected `=>`
;;; no parentheses
#fn f => 1 ; error: expected `(`
;;; sizes of functions' values
#fn f(a) => a`8
#d f(5) ; = 0x05
;;; 25 nested calls
#fn f(a) => a == 0 ? 7 : f(a - 1)
#d8 f(24) ; = 0x07
;;; 25 nested calls in a rule are too many
#fn f(a) => a == 0 ? 7 : g(a)
#fn g(a) => f(a - 1)
#ruledef { r {n} => f(n)`8
}
r 11
r 0 ; = 0x0707
