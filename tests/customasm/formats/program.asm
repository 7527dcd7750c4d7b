; One of everything that a format shows.

#bankdef ram { addr = 0x80, size = 0x10 }
#bankdef rom { addr = 0x8000, size = 0x100, outp = 8 * 4 }

#ruledef
{
    ld {x: u8}  => 0x11 @ x
    nop         => 0x7
    text {s}    => s
}

#bank ram
counter:
#res 2
.inner:

#bank rom
start:
    ld 5
    ld counter
.loop :
    text "a|b c~"
    nop
    nop
#res 2
limit = 0x20
negative = -5
#const(noemit) hidden = 7
name = "text"
    text {
        "0123456789abcdef"
    }
#d8 1, 2
#d3 5
