;;; a subrule
#ruledef { ld {r: reg} => 0x1 @ r
}
#subruledef reg { a => 0x1
 b => 0x2
}
ld a
ld B ; = 0x1112
;;; a subrule is no rule
#subruledef reg { a => 0x1
}
a ; error: no match found for instruction
;;; a ruledef as a type
#ruledef cpu { ld {r: reg} => 0x1 @ r
}
#ruledef reg { a => 0x1
}
ld a
a ; = 0x111
;;; subrules with parameters
#ruledef { ld {x: mode} => 0x1 @ x
}
#subruledef mode {
  #{v: u8} => 0x2 @ v
  ({v: u8}) => 0x3 @ v
  {v: u8} => 0x4 @ v
}
ld #5
ld (5)
ld 5 ; = 0x120513051405
;;; subrules in subrules
#ruledef { ld {x: a} => x
}
#subruledef a { [{y: b}] => 0x1 @ y
}
#subruledef b { x => 0x1
 {v} => 0x2 @ v`4
}
ld [x]
ld [5] ; = 0x11125
;;; mutual recursion
#ruledef { ld {x: a} => x
}
#subruledef a { ({y: b}) => 0x1 @ y
 x => 0x5
}
#subruledef b { [{y: a}] => 0x2 @ y
 y => 0x6
}
ld ([(y)])
ld x ; = 0x12165
;;; recursion into itself
#ruledef { ld {x: list} => x
}
#subruledef list {
  {v: u8} => v
  {v: u8}, {l: list} => v @ l
}
ld 1, 2, 3
ld 4 ; = 0x01020304
;;; left recursion
#ruledef { ld {x: sum} => x
}
#subruledef sum {
  {x: sum} + 1 => x
  1 => 0x1
}
ld 1 + 1 ; error: no match found for instruction
;;; an empty subrule pattern
#ruledef { ld{s: suffix} {x} => s @ x`4
}
#subruledef suffix {
  {} => 0x1
  .w => 0x2
}
ld 3
ld.w 4 ; = 0x1324
;;; an empty pattern of a rule
#ruledef {
  {} => 0x1 ; error: expected identifier
}
;;; more after an empty pattern
#subruledef s {
  {} x => 0x1 ; error: expected `=>`
}
;;; most literals of all nested rules
#ruledef {
  ld {x: a} => 0x1 @ x
  ld {x: b} => 0x2 @ x
}
#subruledef a { {v: u8} => v
}
#subruledef b { k => 0x7
}
k = 5
ld k
ld 3 ; = 0x27103
;;; unsized nested values
#ruledef { ld {x: n} => x`8
}
#subruledef n { one => 1
 two => 2
}
ld one
ld two ; = 0x0102
;;; nested strings
#ruledef { say {x: s} => x
}
#subruledef s { hi => "hi"
}
say hi ; = 0x6869
;;; nested booleans
#ruledef { ld {x: s} => x ? 0x1 : 0x2
}
#subruledef s { yes => true
 no => false
}
ld yes
ld no ; = 0x12
;;; nested assertions
#ruledef {
  ld {x: small} => 0x1 @ x
  ld {x: large} => 0x2 @ x
}
#subruledef small { {v} => { assert(v < 10), v`4 }
}
#subruledef large { {v} => { assert(v >= 10), v`12 }
}
ld 5
ld 10 ; = 0x15200a
;;; nested failures
#ruledef cpu {
  ld {x: small} => 0x1 @ x ; note: within `cpu`, rule 0
}
#subruledef small {
  {v} => { assert(v < 10), v`4 } ; note: within `small`, rule 0 / error: assertion failed
}
ld 10 ; error: failed to resolve instruction
;;; nested range
#ruledef cpu {
  ld {x: small} => 0x1 @ x ; note: within `cpu`, rule 0
}
#subruledef small {
  {v: u4} => v ; note: within `small`, rule 0
}
ld 16 ; error: failed to resolve instruction / error: argument out of range for type `u4`
;;; nested unknown symbols
#ruledef cpu {
  ld {x: small} => 0x1 @ x ; note: within `cpu`, rule 0
}
#subruledef small {
  {v: u4} => v ; note: within `small`, rule 0
}
ld foo ; error: failed to resolve instruction / error: unknown symbol `foo`
;;; no nested rule fits
#ruledef { ld {x: r} => 0x1 @ x
}
#subruledef r { a => 0x1
}
ld b ; error: no match found for instruction
;;; nested expressions end where the next literal starts
#ruledef { mv {x: e} to {y: e} => x @ y
}
#subruledef e { {v} => v`4
}
fo = 1
mv fo to 2 ; = 0x12
;;; the limit cuts nested rules
#ruledef { mv {x: e}o{y: e} => x @ y
}
#subruledef e { {v} => v`4
}
f = 1
mv fo2 ; = 0x12
;;; spaces in subrules
#ruledef { ld {x: e} => x
}
#subruledef e { abcdef => 0x1
}
ld a b c d e f
ld abc def ; = 0x11
;;; same literals twice
#ruledef {
  ld {x: a} => 0x1 @ x
}
#subruledef a {
  x => 0x1
  x => 0x22
}
ld x ; = 0x11
;;; unknown ruledef in a subrule
#subruledef a {
  {x: b} => x ; error: unknown ruledef `b`
}
;;; a register or a name
#ruledef {
  ld {r: reg} => 0x1 @ r
  ld {x: u8} => 0x2 @ x
}
#subruledef reg { r{i: u4} => i
}
run = 5
ld r3 ; = 0x13
;;; an unknown name in one candidate
#ruledef {
  ld {r: reg} => 0x1 @ r ; note: within
  ld {x: u8} => 0x2 @ x
}
#subruledef reg {
  r{i: u4} => i ; note: within
}
run = 5
ld run ; error: failed to resolve instruction / error: unknown symbol `un`
;;; nested sizes choose
#ruledef {
  ld {x: v} => 0x1 @ x
}
#subruledef v {
  {x: u8} => 0x1 @ x
  {x: u16} => 0x2 @ x
}
ld 5
ld 0x500 ; = 0x1105120500
;;; subrule values keep their sign
#ruledef { ld {x: v} => (x < 0 ? 0x1 : 0x2) @ x`4
}
#subruledef v { {x: s8} => x
}
ld -1
ld 1 ; = 0x1f21
