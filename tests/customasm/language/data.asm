;;; bytes
#d8 1, 2, 0xff ; = 0x0102ff
;;; a trailing comma
#d8 1, 2,
#d8 3
; = 0x010203
;;; a comma at the end of the file
#d8 1,
; = 0x01
;;; an element on the next line
#d8
1
; = 0x01
;;; a comma on the next line
#d8 1
, 2
; = 0x0102
;;; upper case
#D8 1 ; = 0x01
#D16 2 ; = 0x0002
;;; white space after the sign
#   d8 1 ; = 0x01
;;; negative numbers
#d8 -1, -128 ; = 0xff80
#d4 -8 ; = 0b1000
;;; largest numbers
#d8 255, 128 ; = 0xff80
;;; a number too large
#d8 256 ; error: value out of range for directive / note: data directive has size 8, got size 9
;;; a number too small
#d8 -129 ; error: value out of range for directive / note: data directive has size 8, got size 9
;;; sized numbers count with their size
#d8 0x0ff ; error: value out of range for directive / note: data directive has size 8, got size 12
;;; strings count with their size
#d8 "ab" ; error: value out of range for directive / note: data directive has size 8, got size 16
;;; strings have a sign
#d64 "é" ; = 0xffffffffffffc3a9
;;; strings without a sign
#d32 "ab" ; = 0x00006162
;;; widths of all kinds
#d1 1 ; = 0b1
#d3 5 ; = 0b101
#d12 0x123 ; = 0x123
#d20 -1 ; = 0xfffff
;;; width zero takes no number
#d0 0 ; error: value out of range for directive / note: data directive has size 0, got size 1
;;; width zero takes empty values
#d0 "", 5`0
#d8 1
; = 0x01
;;; sizes of their own
#d 0x1, 0x23, "a", 0b1 ; = 0x12361
; = 0b1
;;; no size
#d 5 ; error: data element has no definite size
;;; no integer
#d8 true ; error: failed to resolve data element / error: expected integer
;;; void
#d8 {} ; error: failed to resolve data element / error: expected integer
;;; unknown symbol
#d8 x ; error: failed to resolve data element / error: unknown symbol `x`
;;; the first error stops
#d8 x ; error: failed to resolve data element / error: unknown symbol `x`
#d8 y
;;; a failed assertion stands at its own line
#d8 { ; error: failed to resolve data element
  assert(false) ; error: assertion failed
  1
}
;;; failed assertion in one line
#d8 { assert(1 == 2), 1 } ; error: failed to resolve data element / error: assertion failed
;;; assertion on a label that holds
#d8 { assert(end == 1), 1 } ; = 0x01
end:
;;; assertion on a label that fails
#d8 { assert(end == 2), 1 } ; error: failed to resolve data element / error: assertion failed
end:
;;; hexadecimal width is no directive
#d0x8 1 ; error: unknown directive `d0x8`
;;; nothing after the directive
#d8 ; error: expected expression
;;; two values without a comma
#d8 1 2 ; error: expected line break
;;; an operator at the end of a line
#d8 1 + ; error: expected expression

#d8 2
;;; an operand on the next line
#d8 1 +
  2
; = 0x03
;;; block comments end no line
#d8 1 ;* a
 b *; + 2
; = 0x03
;;; nested block comments
#d8 ;* a ;* b *; c *; 1 ; = 0x01
;;; an unclosed block comment
#d8 1 ;* a
#d8 2
; = 0x01
;;; a block comment that closes nothing
#d8 1 ;*; 2 *; , 3
; = 0x0103
;;; strings over lines
#d "a
b" ; = 0x610a62
;;; a question mark on the next line
#d8 true
 ? 1
 : 2
; = 0x01
;;; forward reference
#d8 x
x = 5
; = 0x05
;;; address of each element
#d8 $, $, $ ; = 0x000102
;;; a value for each address
#d16 $, $, $ ; = 0x000000020004
;;; a label between bits
#d4 1
x: ; error: position is not aligned to an address / note: needs 4 more bits for next alignment
#d4 1
;;; one bit is missing
#d7 1
x: ; error: position is not aligned to an address / note: needs 1 more bit for next alignment
;;; an address between bits
#d4 1
#d8 $ ; error: failed to resolve data element / error: position is not aligned / note: needs 4 more bits
;;; unknown directive
#foo 1 ; error: unknown directive `foo`
;;; no directive
# ; error: expected identifier
;;; deprecated bits
#bits 8 ; error: directive `#bits` is deprecated
;;; deprecated labelalign
#labelalign 8 ; error: directive `#labelalign` is deprecated
;;; deprecated noemit
#noemit on ; error: directive `#noemit` is deprecated
;;; a brace that opens nothing
#d8 1
} ; error: expected line break
;;; an instruction without rules
nop ; error: no match found for instruction
;;; all instructions without rules
nop ; error: no match found for instruction
#d8 1
nop 5 ; error: no match found for instruction
;;; bad character
#d8 1 \ ; error: expected line break
;;; bad character in an expression
#d8 'a' ; error: expected expression
;;; an empty program
; = 0x
;;; a comment only
; a comment ; = 0x
;;; carriage returns are white space
#d8 1 , 2 ; = 0x0102
;;; 50 parentheses
#d8 ((((((((((((((((((((((((((((((((((((((((((((((((((1)))))))))))))))))))))))))))))))))))))))))))))))))) ; error: expression recursion depth limit reached
;;; 49 parentheses
#d8 (((((((((((((((((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))))))))))))))))) ; = 0x01
;;; 49 prefix operators
#d8 -------------------------------------------------1 ; = 0xff
;;; 50 prefix operators
#d8 --------------------------------------------------1 ; error: expression recursion depth limit reached
