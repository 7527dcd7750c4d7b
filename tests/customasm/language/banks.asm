;;; one bank
#bankdef a { outp = 0 }
#d8 1 ; = 0x01
;;; two banks
#bankdef a { addr = 0, size = 2, outp = 0 }
#bankdef b { addr = 0, size = 2, outp = 16 }
#d8 1
#bank a
#d8 2
#bank b
#d8 3 ; = 0x02000103
;;; a bank used before it is defined
#bank a
#d8 1 ; = 0x01
#bankdef a { outp = 0 }
;;; old style fields
#bankdef a {
  #addr 0x10
  #outp 0
}
#d8 $ ; = 0x10
;;; fields on lines
#bankdef a {
  addr = 0x10
  outp = 0
}
#d8 $ ; = 0x10
;;; a separator is missing
#bankdef a { addr = 0 outp = 0 } ; error: expected `}`
;;; a field twice
#bankdef a {
  addr = 0
  addr = 1 ; error: duplicate field `addr`
}
;;; unknown fields
#bankdef a {
  foo = 0 ; error: invalid field `foo`
  outp = 0
  bar = 1 ; error: invalid field `bar`
}
;;; an old field without a value
#bankdef a { #fill } ; error: expected expression
;;; both sizes
#bankdef a { addr = 0, addr_end = 5, size = 5, outp = 0 } ; error: both `addr_end` and `size` defined
;;; past the end
#bankdef a { addr = 0x10, addr_end = 0x12, outp = 0 } ; note: bank defined here:
#d8 1, 2
#d8 3 ; error: output out of range for bank `a`
;;; just before the end
#bankdef a { addr = 0x10, addr_end = 0x12, outp = 0 }
#d8 1, 2
x: ; = 0x0102
;;; a label past the end
#bankdef a { addr = 0, size = 1, outp = 0 } ; note: bank defined here:
#res 2 ; error: output out of range for bank `a`
x:
;;; negative addresses
#bankdef a { addr = -2, outp = 0 }
x:
#d8 x, $
#d8 $ ; = 0xfeff00
;;; words of 16 bits
#bankdef a { bits = 16, addr = 0, outp = 0 }
#d16 $, $
x: #d16 x ; = 0x000000010002
;;; words of 3 bits
#bankdef a { bits = 3, outp = 0 }
#d3 1, 2
x: #d3 x ; = 0b001010010
;;; between words
#bankdef a { bits = 16, outp = 0 }
#d8 1
x: ; error: position is not aligned to an address / note: needs 8 more bits
;;; zero bits
#bankdef a { bits = 0, outp = 0 } ; error: invalid bits
;;; negative bits
#bankdef a { bits = -1, outp = 0 } ; error: expected non-negative integer
;;; size of no integer
#bankdef a { size = "a", outp = 0 } ; error: expected integer
;;; fields of constants
#bankdef a { addr = start, outp = 0 }
#d8 $ ; = 0x20
start = half * 2
half = 0x10
;;; fields of unknown names
#bankdef a { addr = start, outp = 0 } ; error: unknown symbol `start`
;;; fields of labels
#bankdef a { addr = start, outp = 0 } ; error: unresolved symbol `start`
start:
;;; fields of addresses
#bankdef a { addr = $, outp = 0 } ; error: cannot get address in this context
;;; fields of blocks
#bankdef a { addr = asm {}, outp = 0 } ; error: cannot resolve expression
;;; fields of functions
#fn f() => 1
#bankdef a { addr = f(), outp = 0 } ; error: unresolved symbol `f`
;;; fields of built-in functions
#bankdef a { addr = le(0x1200), outp = 0 }
#d16 $ ; = 0x0012
;;; an unknown bank
#bank foo ; error: unknown bank `foo`
;;; the same name twice
#bankdef a { outp = 0 } ; note: first declared here
#bankdef a { outp = 8 } ; error: duplicate bank `a`
;;; the default bank
#d8 1 ; error: usage of the default bank while custom banks are defined
#bankdef a { outp = 0 }
;;; labels in the default bank
x: ; error: usage of the default bank while custom banks are defined
#bankdef a { outp = 0 }
;;; constants in the default bank
x = 5
#align 8
#addr 0
#assert x == 5
#bankdef a { outp = 0 }
#d8 x ; = 0x05
;;; banks that share output
#bankdef a { size = 2, outp = 0 } ; error: output of bank `a` overlaps with bank `b`
#bankdef b { size = 2, outp = 8 } ; note: bank `b` defined here
;;; banks without sizes
#bankdef a { outp = 0 } ; error: output of bank `a` overlaps with bank `b`
#bankdef b { outp = 8 } ; note: bank `b` defined here
;;; banks side by side
#bankdef a { size = 2, outp = 0 }
#bankdef b { size = 2, outp = 16 }
#d8 1 ; = 0x000001
;;; banks without output
#bankdef ram { addr = 0x80, size = 2 }
x: #res 1
y:
#bankdef rom { addr = 0, outp = 0 }
#d8 x, y ; = 0x8081
;;; writing without output
#bankdef ram { addr = 0x80 } ; note: no `outp` defined for bank
#d8 1 ; error: output to non-writable bank `ram`
;;; banks that share addresses
#bankdef a { addr = 0x80, size = 1, outp = 0 }
#d8 $
#bankdef b { addr = 0x80, size = 1, outp = 8 }
#d8 $ ; = 0x8080
;;; filled
#bankdef a { size = 4, outp = 0, fill = true }
#d8 1 ; = 0x01000000
;;; fill counts by being there
#bankdef a { size = 4, outp = 0, fill = false }
#d8 1 ; = 0x01000000
;;; fill without a value
#bankdef a { size = 4, outp = 0, fill }
#d8 1 ; = 0x01000000
;;; a field without a value is absent
#bankdef a { size, outp = 0 }
#d8 1, 2, 3 ; = 0x010203
;;; not filled
#bankdef a { size = 4, outp = 0 }
#d8 1 ; = 0x01
;;; output that starts later
#bankdef a { outp = 16 }
#d8 1 ; = 0x000001
;;; output at a bit
#bankdef a { outp = 4 }
#d8 1 ; = 0x001
;;; aligned labels
#bankdef a { outp = 0, labelalign = 32 }
#d8 1
x: #d8 x ; = 0x0100000004
;;; aligned constants
#bankdef a { outp = 0, labelalign = 32 }
#d8 1
x = 5
#d8 x ; = 0x0100000005
;;; local labels are not aligned
#bankdef a { outp = 0, labelalign = 32 }
x: #d8 1
.y: #d8 .y ; = 0x0101
;;; alignment counts from address 0
#bankdef a { addr = 1, outp = 0, labelalign = 32 }
x: #d8 x ; = 0x00000004
;;; alignment of negative addresses
#bankdef a { addr = -1, outp = 0, labelalign = 32 }
x: ; error: value is out of supported range
;;; aligned negative addresses
#bankdef a { addr = -4, outp = 0, labelalign = 32 }
x: #d8 x ; = 0xfc
;;; positions go on
#bankdef a { size = 4, outp = 0 }
#bankdef b { size = 4, outp = 32 }
#d8 1
#bank a
#d8 2
#bank b
#d8 3 ; = 0x020000000103
;;; case counts
#bankdef a { outp = 0 }
#bank A ; error: unknown bank `A`
;;; a bank without a name
#bankdef { outp = 0 } ; error: expected identifier
;;; more after the bank
#bankdef a { outp = 0 } 1 ; error: expected line break
