;;; res
#d8 1
#res 2
#d8 2 ; = 0x01000002
;;; res at the end adds nothing
#d8 1
#res 2 ; = 0x01
;;; res of words
#bankdef a { bits = 16, outp = 0 }
#res 1
#d16 $ ; = 0x00000001
;;; res of zero
#res 0
#d8 1 ; = 0x01
;;; res of a constant
#res x
#d8 1 ; = 0x000001
x = 2
;;; res of labels
#res b - a
#d8 1
a: #d8 2, 3
b: ; = 0x0000010203
;;; res of a string
#res "\x02"
#d8 1 ; = 0x000001
;;; res negative
#res -1 ; error: expected non-negative integer
;;; res huge
#res 1 << 32 ; error: value is out of supported range
;;; res of no number
#res true ; error: expected non-negative integer
;;; res unknown
#res x ; error: unknown symbol `x`
;;; res with a failed assertion counts as 0
#res { assert(a == 9), 5 }
a: #d8 a ; = 0x00
;;; align
#d8 1
#align 32
#d8 2 ; = 0x0100000002
;;; align where nothing is missing
#d32 1
#align 32
#d8 2 ; = 0x0000000102
;;; align at the end adds nothing
#d8 1
#align 32 ; = 0x01
;;; align to bits
#d4 1
#align 8
#d8 2 ; = 0x1002
;;; align to odd numbers
#d8 1
#align 12
#d4 2 ; = 0x0102
;;; align to zero
#align 0 ; error: invalid alignment size
;;; align negative
#align -8 ; error: expected non-negative integer
;;; align huge
#align 1 << 64 ; error: value is out of supported range
;;; align counts from address 0
#bankdef a { addr = 1, outp = 0 }
#align 32
#d8 $ ; = 0x00000004
;;; align with negative addresses
#bankdef a { addr = -1, outp = 0 }
#align 32 ; error: value is out of supported range
;;; addr
#d8 1
#addr 3
#d8 $ ; = 0x01000003
;;; addr backwards
#d8 1
#addr 3
#d8 2
#addr 1
#d8 3 ; = 0x01030002
;;; addr over output
#d8 1 ; note: overlaps with:
#addr 0
#d8 2 ; error: output overlap
;;; addr over a part
#d8 1
#d16 0x1234 ; note: overlaps with:
#d8 2
#addr 2
#d8 2 ; error: output overlap
;;; reserved space counts
#res 4 ; note: overlaps with:
#addr 1
#d8 2 ; error: output overlap
;;; reserved space over output
#d8 1, 2 ; note: overlaps with:
#addr 1
#res 1 ; error: output overlap
;;; empty output overlaps nothing
#d8 1
#addr 0
#d 5`0
; = 0x01
;;; addr before the bank
#bankdef a { addr = 0x10, outp = 0 }
#addr 0x0f ; error: address is out of bank range
;;; addr past the bank
#bankdef a { addr = 0x10, size = 2, outp = 0 }
#addr 0x12 ; error: address is out of bank range
;;; addr within the bank
#bankdef a { addr = 0x10, size = 2, outp = 0 }
#addr 0x11
#d8 $ ; = 0x0011
;;; addr huge
#addr 1 << 64 ; error: value is out of supported range
;;; addr of no number
#addr true ; error: expected integer
;;; addr of a later constant
#addr x
#d8 $ ; = 0x000002
x = 2
;;; addr in words
#bankdef a { bits = 16, addr = 0, outp = 0 }
#addr 1
#d16 $ ; = 0x00000001
;;; assert
#assert true
#assert 1 + 1 == 2
#d8 1 ; = 0x01
;;; assert on labels
#assert end == 1
#d8 1
end: ; = 0x01
;;; assert false
#assert 1 == 2 ; error: assertion failed
;;; every false assertion is told
#assert 1 == 2 ; error: assertion failed
#d8 1
#assert false ; error: assertion failed
#assert true
;;; assert of no boolean
#assert 1 ; error: expected boolean
;;; assert unknown
#assert x == 1 ; error: unknown symbol `x`
;;; the first bad assertion stops
#assert x == 1 ; error: unknown symbol `x`
#assert y == 1
