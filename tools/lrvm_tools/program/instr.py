"""Instructions as values. Generated from the instruction table by `generate_instr.py`."""

from __future__ import annotations

from typing import Self

from lrvm_jit.isa import Reg

from .instruction import BaseInstr
from .operands import RegOrInt, Target


class Instr(BaseInstr):
    """One instruction as a value; one that cannot exist cannot be constructed.

    The constructor of a mnemonic that is a Python keyword ends in an underscore. A string where
    an address may stand names a label; JPR takes the distance to it.

    >>> from lrvm_tools.program import Instr, Reg
    >>> str(Instr.cpy(Reg.A0, 5)), hex(Instr.cpy(Reg.A0, 5).encode())
    ('cpy a0, 0x5', '0xc000005')
    >>> Instr.jp("loop") == Instr("cpy", (Reg.PC, "loop"))
    True
    >>> Instr.if_(9)
    Traceback (most recent call last):
    ...
    lrvm_jit.isa.codec.EncodingError: if: operand 'flag' must be a Reg or an integer in 0..6, not 9
    """

    __slots__ = ()

    @classmethod
    def cpy(cls, d: Reg, v: Target) -> Self:
        """`cpy d, v`: d = v"""
        return cls("cpy", (d, v))

    @classmethod
    def ex(cls, a: Reg, b: Reg) -> Self:
        """`ex a, b`: swap a and b: writes a, then b"""
        return cls("ex", (a, b))

    @classmethod
    def add(cls, d: Reg, v: Target) -> Self:
        """`add d, v`: d = d + v"""
        return cls("add", (d, v))

    @classmethod
    def sub(cls, d: Reg, v: Target) -> Self:
        """`sub d, v`: d = d - v; CF = borrow"""
        return cls("sub", (d, v))

    @classmethod
    def mul(cls, d: Reg, v: Target) -> Self:
        """`mul d, v`: d = low 32 bits of d * v; CF: the unsigned, OF: the signed product does
        not fit
        """
        return cls("mul", (d, v))

    @classmethod
    def div(cls, d: Reg, v: RegOrInt, mode: RegOrInt = 0) -> Self:
        """`div d, v, mode`: d = d / v, see division modes"""
        return cls("div", (d, v, mode))

    @classmethod
    def mod(cls, d: Reg, v: RegOrInt, mode: RegOrInt = 0) -> Self:
        """`mod d, v, mode`: d = remainder of d / v, see division modes"""
        return cls("mod", (d, v, mode))

    @classmethod
    def and_(cls, d: Reg, v: Target) -> Self:
        """`and d, v`: d = d & v; CF = OF = 0"""
        return cls("and", (d, v))

    @classmethod
    def bor(cls, d: Reg, v: Target) -> Self:
        """`bor d, v`: d = d | v; CF = OF = 0"""
        return cls("bor", (d, v))

    @classmethod
    def xor(cls, d: Reg, v: Target) -> Self:
        """`xor d, v`: d = d ^ v; CF = OF = 0"""
        return cls("xor", (d, v))

    @classmethod
    def shl(cls, d: Reg, n: RegOrInt) -> Self:
        """`shl d, n`: d = d << (n & 31); CF = OF = (n >= 32)"""
        return cls("shl", (d, n))

    @classmethod
    def shr(cls, d: Reg, n: RegOrInt) -> Self:
        """`shr d, n`: d = d >> (n & 31), logical; CF = OF = (n >= 32)"""
        return cls("shr", (d, n))

    @classmethod
    def cmp(cls, a: Reg, v: Target) -> Self:
        """`cmp a, v`: flags of a - v; stores nothing"""
        return cls("cmp", (a, v))

    @classmethod
    def jpr(cls, off: Target) -> Self:
        """`jpr off`: pc = pc + off; a literal is sign-extended, a register counts with all 32
        bits
        """
        return cls("jpr", (off,))

    @classmethod
    def lsm(cls, addr: Target) -> Self:
        """`lsm addr`: pc = addr, smt = 0"""
        return cls("lsm", (addr,))

    @classmethod
    def itr(cls, code: RegOrInt) -> Self:
        """`itr code`: exception 0xF0, data = low 16 bits of code"""
        return cls("itr", (code,))

    @classmethod
    def if_(cls, flag: RegOrInt) -> Self:
        """`if flag`: if the flag is clear, skip the next instruction"""
        return cls("if", (flag,))

    @classmethod
    def ifn(cls, flag: RegOrInt) -> Self:
        """`ifn flag`: if the flag is set, skip the next instruction"""
        return cls("ifn", (flag,))

    @classmethod
    def if2(cls, a: RegOrInt, b: RegOrInt, cond: RegOrInt) -> Self:
        """`if2 a, b, cond`: unless cond holds of the two flags, skip the next instruction"""
        return cls("if2", (a, b, cond))

    @classmethod
    def lsa(cls, d: Reg, addr: Target, add: RegOrInt = 0) -> Self:
        """`lsa d, addr, add`: d = mem[addr + add]"""
        return cls("lsa", (d, addr, add))

    @classmethod
    def lea(cls, addr: Target, add: RegOrInt, mul: RegOrInt = 1) -> Self:
        """`lea addr, add, mul`: avr = mem[addr + add * mul]"""
        return cls("lea", (addr, add, mul))

    @classmethod
    def wsa(cls, addr: Target, add: RegOrInt, v: RegOrInt) -> Self:
        """`wsa addr, add, v`: mem[addr + add] = v"""
        return cls("wsa", (addr, add, v))

    @classmethod
    def wea(cls, addr: Target, add: RegOrInt, mul: RegOrInt = 1) -> Self:
        """`wea addr, add, mul`: mem[addr + add * mul] = avr"""
        return cls("wea", (addr, add, mul))

    @classmethod
    def srm(cls, addr: Target, add: RegOrInt, s: Reg) -> Self:
        """`srm addr, add, s`: t = mem[addr + add]; mem[addr + add] = s; s = t"""
        return cls("srm", (addr, add, s))

    @classmethod
    def push(cls, v: Target) -> Self:
        """`push v`: sp' = sp - 4; mem[sp'] = v; sp = sp'"""
        return cls("push", (v,))

    @classmethod
    def pop(cls, d: Reg) -> Self:
        """`pop d`: t = mem[sp]; sp = sp + 4; d = t"""
        return cls("pop", (d,))

    @classmethod
    def call(cls, addr: Target) -> Self:
        """`call addr`: push pc + 4, then pc = addr"""
        return cls("call", (addr,))

    @classmethod
    def hwd(cls, d: Reg, id: RegOrInt, info: RegOrInt) -> Self:
        """`hwd d, id, info`: d = hardware information"""
        return cls("hwd", (d, id, info))

    @classmethod
    def cycles(cls, d: Reg) -> Self:
        """`cycles d`: d = low 32 bits of the cycle counter, this instruction included"""
        return cls("cycles", (d,))

    @classmethod
    def halt(cls) -> Self:
        """`halt`: the CPU halts; pc then points past it"""
        return cls("halt")

    @classmethod
    def reset(cls, mode: RegOrInt) -> Self:
        """`reset mode`: reset components and, unless bits 7-4 of mode are set, the CPU"""
        return cls("reset", (mode,))

    @classmethod
    def zro(cls, d: Reg) -> Self:
        """`zro d`: xor d, d"""
        return cls("zro", (d,))

    @classmethod
    def inc(cls, d: Reg) -> Self:
        """`inc d`: add d, 0x1"""
        return cls("inc", (d,))

    @classmethod
    def dec(cls, d: Reg) -> Self:
        """`dec d`: sub d, 0x1"""
        return cls("dec", (d,))

    @classmethod
    def jp(cls, v: Target) -> Self:
        """`jp v`: cpy pc, v"""
        return cls("jp", (v,))

    @classmethod
    def ret(cls) -> Self:
        """`ret`: pop pc"""
        return cls("ret")

    @classmethod
    def ifeq(cls) -> Self:
        """`ifeq`: if ZF"""
        return cls("ifeq")

    @classmethod
    def ifnq(cls) -> Self:
        """`ifnq`: ifn ZF"""
        return cls("ifnq")

    @classmethod
    def ifls(cls) -> Self:
        """`ifls`: if CF"""
        return cls("ifls")

    @classmethod
    def ifge(cls) -> Self:
        """`ifge`: ifn CF"""
        return cls("ifge")

    @classmethod
    def ifgt(cls) -> Self:
        """`ifgt`: if2 ZF, CF, NOR"""
        return cls("ifgt")

    @classmethod
    def ifle(cls) -> Self:
        """`ifle`: if2 ZF, CF, OR"""
        return cls("ifle")

    @classmethod
    def ifor(cls, a: RegOrInt, b: RegOrInt) -> Self:
        """`ifor a, b`: if2 a, b, OR"""
        return cls("ifor", (a, b))

    @classmethod
    def ifand(cls, a: RegOrInt, b: RegOrInt) -> Self:
        """`ifand a, b`: if2 a, b, AND"""
        return cls("ifand", (a, b))

    @classmethod
    def ifxor(cls, a: RegOrInt, b: RegOrInt) -> Self:
        """`ifxor a, b`: if2 a, b, XOR"""
        return cls("ifxor", (a, b))

    @classmethod
    def ifnor(cls, a: RegOrInt, b: RegOrInt) -> Self:
        """`ifnor a, b`: if2 a, b, NOR"""
        return cls("ifnor", (a, b))

    @classmethod
    def ifnand(cls, a: RegOrInt, b: RegOrInt) -> Self:
        """`ifnand a, b`: if2 a, b, NAND"""
        return cls("ifnand", (a, b))

    @classmethod
    def ifleft(cls, a: RegOrInt, b: RegOrInt) -> Self:
        """`ifleft a, b`: if2 a, b, LEFT"""
        return cls("ifleft", (a, b))

    @classmethod
    def ifright(cls, a: RegOrInt, b: RegOrInt) -> Self:
        """`ifright a, b`: if2 a, b, RIGHT"""
        return cls("ifright", (a, b))
