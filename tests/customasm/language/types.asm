;;; u8
#ruledef { ld {x: u8} => x
}
ld 0
ld 255 ; = 0x00ff
;;; u8 too large
#ruledef { ld {x: u8} => x ; note: within
}
ld 256 ; error: failed to resolve instruction / error: argument out of range for type `u8`
;;; u8 negative
#ruledef { ld {x: u8} => x ; note: within
}
ld -1 ; error: failed to resolve instruction / error: argument out of range for type `u8`
;;; s8
#ruledef { ld {x: s8} => x
}
ld -128
ld 127 ; = 0x807f
;;; s8 too large
#ruledef { ld {x: s8} => x ; note: within
}
ld 128 ; error: failed to resolve instruction / error: argument out of range for type `s8`
;;; s8 too small
#ruledef { ld {x: s8} => x ; note: within
}
ld -129 ; error: failed to resolve instruction / error: argument out of range for type `s8`
;;; i8
#ruledef { ld {x: i8} => x
}
ld -128
ld 255 ; = 0x80ff
;;; i8 too large
#ruledef { ld {x: i8} => x ; note: within
}
ld 256 ; error: failed to resolve instruction / error: argument out of range for type `i8`
;;; i8 too small
#ruledef { ld {x: i8} => x ; note: within
}
ld -129 ; error: failed to resolve instruction / error: argument out of range for type `i8`
;;; i8 keeps its sign
#ruledef { ld {x: i8} => (x < 0 ? 0x1 : 0x2) @ x
}
ld -1
ld 255 ; = 0x1ff2ff
;;; u1
#ruledef { ld {x: u1} => 0b000 @ x
}
ld 1
ld 0 ; = 0x10
;;; u0 fits nothing
#ruledef { ld {x: u0} => 0x1 @ x ; note: within
}
ld 0 ; error: failed to resolve instruction / error: argument out of range for type `u0`
;;; s0 fits nothing
#ruledef { ld {x: s0} => 0x1 @ x ; note: within
}
ld 0 ; error: failed to resolve instruction / error: argument out of range for type `s0`
;;; sizes of arguments do not count
#ruledef { ld {x: u8} => x
}
ld 0x00012 ; = 0x12
;;; sizeof of a typed parameter
#ruledef { ld {x: u8} => sizeof(x)`8
}
ld 0x1 ; = 0x08
;;; sizeof of an untyped parameter
#ruledef { ld {x} => sizeof(x)`8
}
ld 0x1 ; = 0x04
;;; sizeof of an unsized argument
#ruledef {
  ld {x} => sizeof(x)`8 ; note: within / error: value has no definite size
}
ld 1 ; error: failed to resolve instruction
;;; strings become integers
#ruledef { ld {x: u16} => x
}
ld "ab" ; = 0x6162
;;; strings stay strings without a type
#ruledef { ld {x} => strlen(x)`8 @ x
}
ld "ab" ; = 0x026162
;;; typed strings are no strings
#ruledef {
  ld {x: u16} => strlen(x)`8 ; note: within / error: expected string
}
ld "ab" ; error: failed to resolve instruction
;;; strings with a sign
#ruledef { ld {x: s16} => x
}
ld "é" ; = 0xc3a9
;;; strings with a sign do not fit
#ruledef { ld {x: u16} => x ; note: within
}
ld "é" ; error: failed to resolve instruction / error: argument out of range for type `u16`
;;; wide types
#ruledef { ld {x: u128} => x
}
ld 1 << 127 ; = 0x80000000000000000000000000000000
;;; types choose
#ruledef {
  ld {x: s8} => 0x1 @ x
  ld {x: u16} => 0x2 @ x
  ld {x: i32} => 0x3 @ x
}
ld -1
ld 200
ld -200 ; = 0x1ff200c83ffffff38
;;; arguments of forward labels
#ruledef { ld {x: u16} => x
}
ld end
end: ; = 0x0002
;;; expressions as arguments
#ruledef { ld {x: u8} => x
}
ld 1 + 2 * 3
ld (1 + 2) * 3
ld true ? 1 : 2
ld 0x1234[7:0]
ld { a = 2, a * a } ; = 0x0709013404
;;; variables of arguments are their own
#ruledef { ld {x}, {y} => x`4 @ y`4
}
ld {a = 1, a}, {a = 2, a} ; = 0x12
