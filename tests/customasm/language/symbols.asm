;;; labels
a: #d8 1
b: #d8 a, b ; = 0x010001
;;; two labels in a line
a: b: #d8 1, b ; = 0x0100
;;; a label before its colon
a
: #d8 a ; = 0x00
;;; constants
a = 5
#d8 a ; = 0x05
;;; constants keep their size
a = 0x05
#d a ; = 0x05
;;; constants keep strings
a = "ab"
#d a ; = 0x6162
;;; constants keep booleans
a = true
#d8 a ? 1 : 2 ; = 0x01
;;; constants keep functions
a = strlen
#d8 a("xyz") ; = 0x03
;;; labels have no size
a: #d a ; error: data element has no definite size
;;; constants of labels
x = end - start
start: #d8 x, 2
end: ; = 0x0202
;;; constants of later constants
x = y
y = z
z = 7
#d8 x ; = 0x07
;;; an equals sign on the next line
x
= 5
#d8 x ; = 0x05
;;; const
#const x = 5
#d8 x ; = 0x05
;;; const with an attribute
#const(noemit) x = 5
#d8 x ; = 0x05
;;; const with an unknown attribute
#const(foo) x = 5 ; error: invalid attribute `foo`
;;; const is no label
#const x: ; error: expected `=`
;;; const nested
a:
#const .b = 5
#d8 a.b ; = 0x05
;;; local labels
a:
.x: #d8 1
b:
.x: #d8 .x, a.x, b.x ; = 0x01010001
;;; local constants
a:
.x = 1
#d8 .x, a.x ; = 0x0101
;;; deeper labels
a:
.b:
..c = 5
...d = 6
#d8 a.b.c, a.b.c.d, .b.c, ..c, ...d ; = 0x0506050506
;;; constants open scopes
a:
.b = 1
x = 2
.c = 3
#d8 x.c ; = 0x03
;;; constants hide the label before them
a:
.b = 1
x = 2
#d8 .b ; error: failed to resolve data element / error: unknown symbol `.b`
;;; nothing to belong to
.a = 5 ; error: symbol declaration skips a nesting level
;;; a level is skipped
a:
..b = 5 ; error: symbol declaration skips a nesting level
;;; duplicate label
a: ; note: first declared here
a: ; error: duplicate symbol `a`
;;; duplicate constant
a = 1 ; note: first declared here
a = 1 ; error: duplicate symbol `a`
;;; duplicate label and constant
a: ; note: first declared here
a = 1 ; error: duplicate symbol `a`
;;; duplicate local label
a:
.b: ; note: first declared here
.b: ; error: duplicate symbol `a.b`
;;; local labels of others
a:
.b: #d8 1
c:
.b: #d8 2 ; = 0x0102
;;; case counts
a = 1
A = 2
#d8 a, A ; = 0x0102
;;; unknown symbol
#d8 a ; error: failed to resolve data element / error: unknown symbol `a`
;;; unknown local symbol
a:
#d8 .b ; error: failed to resolve data element / error: unknown symbol `.b`
;;; unknown inner symbol
a:
#d8 a.b ; error: failed to resolve data element / error: unknown symbol `a.b`
;;; no search upward
a:
.b = 1
..c = 2
#d8 .c ; error: failed to resolve data element / error: unknown symbol `.c`
;;; a circle
a = b ; error: unresolved symbol `b`
b = a
;;; a circle of one
a = a + 1 ; error: unresolved symbol `a`
;;; unknown in a constant
a = b ; error: unknown symbol `b`
;;; an error in a constant
a = 1 / 0 ; error: division by zero
;;; an error in an unused constant of a label
a = 1 / (x - x) ; error: division by zero
x:
;;; an assertion in an unused constant of a label
c = { assert(x == 9), 1 }
#d8 5
x: ; = 0x05
;;; an assertion in a used constant of a label
c = { assert(x == 9), 1 } ; error: assertion failed
x: #d8 c ; error: failed to resolve data element
;;; an assertion in a constant
c = { assert(1 == 2), 1 } ; error: assertion failed
;;; a constant of void
a = {}
#d8 1 ; = 0x01
;;; a label named like a register of nobody
add: #d8 add ; = 0x00
;;; addresses in constants
#d8 1, 2
x = $
#d8 x ; = 0x010202
;;; the address by its other name
#d8 1, pc ; = 0x0101
;;; the address with parts
#d8 1, pc.foo.bar ; = 0x0101
;;; a dollar alone is a name
$ = 5
#d8 1, $ ; = 0x0101
;;; a constant named like a built-in function
le = 5
#d8 le ; error: failed to resolve data element / error: expected integer
;;; keywords are no names
true = 5 ; error: no match found for instruction
;;; what swings is told
#res x > 5 ? 1 : 10 ; error: reserve size did not converge
x: ; error: label address did not converge
