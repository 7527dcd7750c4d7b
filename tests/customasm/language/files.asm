;;; include
#include "a.asm"
#d8 1 ; = 0x0201
;;; + a.asm
#d8 2
;;; include twice
#include "a.asm"
#include "a.asm"
; = 0x0202
;;; + a.asm
#d8 2
;;; once
#include "a.asm"
#include "a.asm"
; = 0x02
;;; + a.asm
#once
#d8 2
;;; once anywhere at the top level
#include "a.asm"
#include "a.asm"
; = 0x02
;;; + a.asm
#d8 2
#once
;;; include in a folder
#include "sub/a.asm"
; = 0x0203
;;; + sub/a.asm
#d8 2
#include "b.asm"
;;; + sub/b.asm
#d8 3
;;; include from the folder above
#include "sub/a.asm"
; = 0x0203
;;; + sub/a.asm
#d8 2
#include "../b.asm"
;;; + b.asm
#d8 3
;;; backslashes
#include "sub\\a.asm"
; = 0x02
;;; + sub/a.asm
#d8 2
;;; dots and empty parts
#include "./sub//./a.asm"
; = 0x02
;;; + sub/a.asm
#d8 2
;;; a missing file
#include "a.asm" ; error: file not found: `a.asm`
;;; an empty name
#include "" ; error: invalid filename
;;; no name
#include ; error: expected string
;;; more than a name
#include "a.asm" 1 ; error: expected line break
;;; recursion
#include "a.asm"
;;; + a.asm
#include "b.asm"
;;; + b.asm
#include "a.asm" ; error: recursive file inclusion
;;; an include in an arm is ignored
#if true {
  #include "none.asm"
  #d8 1
} ; = 0x01
;;; once in an arm is ignored
#include "a.asm"
#include "a.asm" ; = 0x0101
;;; + a.asm
#if true {
  #once
}
#d8 1
;;; symbols of included files
#d8 x ; = 0x05
#include "a.asm"
;;; + a.asm
x = 5
;;; scopes go on in included files
a:
#include "b.asm"
#d8 .x ; = 0x05
;;; + b.asm
.x = 5
;;; errors in included files
#include "a.asm"
;;; + a.asm

#d8 x ; error: failed to resolve data element / error: unknown symbol `x`
;;; syntax errors in included files
#include "a.asm"
;;; + a.asm

#d8 ; error: expected expression
;;; a file is parsed before what it includes
#include "a.asm"
#d8 ; error: expected expression
;;; + a.asm
#d8
;;; incbin
#d incbin("a.bin") ; = 0x6162630a
;;; + a.bin
abc
;;; incbin from
#d incbin("a.bin", 1) ; = 0x62630a
;;; + a.bin
abc
;;; incbin a part
#d incbin("a.bin", 1, 1) ; = 0x62
;;; + a.bin
abc
;;; incbin past the end
#d incbin("a.bin", 5) ; error: failed to resolve data element / error: `incbin` range starts after EOF (5 >= 4)
;;; + a.bin
abc
;;; incbin too many
#d incbin("a.bin", 1, 5) ; error: failed to resolve data element / error: `incbin` range ends after EOF (1 + 5 > 4)
;;; + a.bin
abc
;;; incbin of no name
#d incbin(5) ; error: failed to resolve data element / error: expected string
;;; incbin from a negative place
#d incbin("a.bin", -1) ; error: failed to resolve data element / error: expected non-negative integer
;;; + a.bin
abc
;;; incbin of a missing file
#d incbin("a.bin") ; error: failed to resolve data element / error: file not found: `a.bin`
;;; incbin of an empty file
#d incbin("a.bin") ; = 0x
;;; + a.bin
;;; incbin is a number
#d8 incbin("a.bin")[31:24] ; = 0x61
;;; + a.bin
abc
;;; incbinstr
#d incbinstr("a.txt") ; = 0b1011001
;;; + a.txt
1011 0
_01
;;; incbinstr a part
#d incbinstr("a.txt", 1, 3) ; = 0b011
;;; + a.txt
1011 0
;;; incbinstr of other characters
#d incbinstr("a.txt") ; error: failed to resolve data element / error: invalid character in file contents
;;; + a.txt
1012
;;; inchexstr
#d inchexstr("a.txt") ; = 0x12af
;;; + a.txt
12 a_F
;;; inchexstr past the end
#d inchexstr("a.txt", 4) ; error: failed to resolve data element / error: `inchexstr` range starts after EOF (4 >= 4)
;;; + a.txt
12 a_F
;;; inchexstr too many
#d inchexstr("a.txt", 1, 4) ; error: failed to resolve data element / error: `inchexstr` range ends after EOF (1 + 4 > 4)
;;; + a.txt
12 a_F
;;; files of functions are the caller's
#include "sub/a.asm"
#d f("b.bin") ; = 0x61
;;; + sub/a.asm
#fn f(x) => incbin(x)[15:8]
;;; + sub/b.bin
b
;;; + b.bin
a
;;; files of rules are the rule's
#include "sub/a.asm"
ld "b.bin"
file ; = 0x62
; = 0x62
;;; + sub/a.asm
#ruledef {
  ld {x} => incbin(x)[15:8]
  file => incbin("b.bin")[15:8]
}
;;; + sub/b.bin
b
;;; + b.bin
a
;;; files of arguments are the instruction's
#include "sub/a.asm"
ld incbin("b.bin") ; = 0x61
;;; + sub/a.asm
#ruledef {
  ld {x} => x[15:8]
}
;;; + sub/b.bin
b
;;; + b.bin
a
;;; the standard 6502
#include "<std>/cpu/6502.asm"
lda #1
sta 0x10
loop: jmp loop
bne loop ; = 0xa90185104c0400d0fb
;;; the standard processor of the NES
#include "<std>/platform/nes/cpu.asm"
nop ; = 0xea
;;; a standard file that does not exist
#include "<std>/foo.asm" ; error: file not found: `<std>/foo.asm`
;;; the same instruction in two files reads two files
#include "sub/a.asm"
#ruledef { ld {x} => x[15:8]
}
ld incbin("b.bin") ; = 0x62
; = 0x61
;;; + sub/a.asm
ld incbin("b.bin")
;;; + sub/b.bin
b
;;; + b.bin
a
