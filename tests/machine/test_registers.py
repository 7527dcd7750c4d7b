"""The registers as the host sees them."""

from __future__ import annotations

import numpy
import pytest

from lrvm_jit.isa.table import REGISTER_NAMES, Flag, Reg
from tests.engines import EngineChoice
from tests.machine.guest import machine


def test_by_code_name_and_attribute(engine: EngineChoice) -> None:
    """Three ways to each of the 32, in code order."""
    regs = machine("halt", engine).board.cpu.regs
    for code, name in enumerate(REGISTER_NAMES):
        regs[code] = 0x10 + code
        assert regs[name] == regs[name.upper()] == getattr(regs, name) == regs[Reg(code)]
        assert regs[code] == 0x10 + code
        setattr(regs, name, 0x20 + code)
        assert regs[code] == 0x20 + code
        regs[name] = 0x30 + code
        assert regs[code] == 0x30 + code
    assert list(regs) == [0x30 + code for code in range(32)]
    assert len(regs) == 32
    assert dir(regs) == sorted(REGISTER_NAMES)
    assert all(type(value) is int for value in regs)


def test_slices(engine: EngineChoice) -> None:
    """Reading gives a list, writing wants as many values as there are registers."""
    regs = machine("halt", engine).board.cpu.regs
    regs[2:5] = [7, 8, 9]
    assert regs[1:6] == [0, 7, 8, 9, 0]
    regs[:] = range(32)
    assert regs[::8] == [0, 8, 16, 24]
    with pytest.raises(ValueError, match="3 registers cannot take 2 values"):
        regs[0:3] = [1, 2]


def test_as_an_array(engine: EngineChoice) -> None:
    """numpy gets a copy: changing it does not change the CPU."""
    regs = machine("halt", engine, a1=5, af=0xFF).board.cpu.regs
    array = numpy.asarray(regs)
    assert array.dtype == numpy.uint32
    assert array.tolist() == list(regs)
    array[1] = 6
    assert regs.a1 == 5
    assert numpy.asarray(regs, dtype=numpy.int64).dtype == numpy.int64
    with pytest.raises(ValueError, match="cannot be viewed"):
        numpy.asarray(regs, copy=False)


@pytest.mark.parametrize("name", ["a8", "sp", "", "smt "])
def test_unknown_names(name: str, engine: EngineChoice) -> None:
    """The message lists the known ones."""
    regs = machine("halt", engine).board.cpu.regs
    with pytest.raises(KeyError, match=f"unknown register '{name}'.*a0, a1, .*smt"):
        regs[name]
    with pytest.raises(KeyError, match="unknown register"):
        regs[name] = 1


def test_unknown_attributes(engine: EngineChoice) -> None:
    """A mistyped attribute is an error, not a new attribute."""
    regs = machine("halt", engine).board.cpu.regs
    with pytest.raises(AttributeError, match=r"unknown register 'a9'.*a0, a1"):
        regs.a9  # noqa: B018
    with pytest.raises(AttributeError, match=r"unknown register 'a9'.*a0, a1"):
        regs.a9 = 5


@pytest.mark.parametrize("code", [-1, 32, 1 << 40])
def test_unknown_codes(code: int, engine: EngineChoice) -> None:
    regs = machine("halt", engine).board.cpu.regs
    with pytest.raises(IndexError, match=rf"{code} is outside 0\.\.31"):
        regs[code]
    with pytest.raises(IndexError, match=rf"{code} is outside 0\.\.31"):
        regs[code] = 0


@pytest.mark.parametrize("value", [-1, 1 << 32])
def test_values_out_of_range(value: int, engine: EngineChoice) -> None:
    """The message names register, value and limit; the register keeps its value."""
    regs = machine("halt", engine, c1=5).board.cpu.regs
    with pytest.raises(ValueError, match=rf"{value} for c1 is outside 0\.\.4294967295"):
        regs.c1 = value
    assert regs.c1 == 5


@pytest.mark.parametrize("value", [None, 1.5, "7"])
def test_values_of_another_type(value: object, engine: EngineChoice) -> None:
    regs = machine("halt", engine).board.cpu.regs
    with pytest.raises(TypeError, match="a0 must be a whole number"):
        regs.a0 = value  # type: ignore[assignment]
    with pytest.raises(TypeError, match="a register's code must be a whole number"):
        regs[value if not isinstance(value, str) else 1.0]  # type: ignore[index]


def test_numpy_integers(engine: EngineChoice) -> None:
    regs = machine("halt", engine).board.cpu.regs
    regs[numpy.int64(3)] = numpy.uint32(0xFFFFFFFF)  # type: ignore[index]
    assert regs.a3 == 0xFFFFFFFF
    assert type(regs.a3) is int


def test_every_value_of_af(engine: EngineChoice) -> None:
    """The host may set flags that no result has; they are read back, by CPY and by IF."""
    source = "\n".join(
        [
            "cpy a7, af",
            *(f"if {flag.name}\ncpy a{flag.value}, 1" for flag in Flag),
            "cpy c0, af",
            "halt",
        ]
    )
    for af in range(256):
        testing = machine(source, engine, af=af)
        assert testing.board.cpu.regs.af == af
        testing.run()
        assert [testing.board.cpu.regs[flag.value] for flag in Flag] == [
            int(bool(af & flag.mask)) for flag in Flag
        ], af
        assert (testing.a7 if not af & Flag.ZLF.mask else af, testing.c0) == (af, af)
        assert testing.board.cpu.regs.af == af


def test_af_beyond_its_bits(engine: EngineChoice) -> None:
    """As any register it holds 32 bits if the host says so, until an instruction sets flags."""
    testing = machine("cpy a0, af\nadd a1, 1\ncpy a2, af\nhalt", engine, af=0xFFFFFF81)
    testing.run()
    assert (testing.a0, testing.a2) == (0xFFFFFF81, 0x04)


def test_flags_after_arithmetic_as_the_host_reads_them(engine: EngineChoice) -> None:
    """Between instructions af shows what the last one left, at any point of a run."""
    testing = machine("add a0, 1\nsub a0, 2\nshl a0, 16\ncpy a1, 5\nhalt", engine)
    seen = []
    while testing.board.cpu.step().reason != "halted":
        seen.append(testing.board.cpu.regs.af)
    assert seen == [0x04, 0x50, 0x1A, 0x1A]


def test_the_host_ignores_the_mode(engine: EngineChoice) -> None:
    """In userland, too, every register may be read and set."""
    regs = machine("halt", engine, smt=0).board.cpu.regs
    for code in range(32):
        if code != Reg.SMT:
            regs[code] = 0x100 + code
    assert regs[:31] == [0x100 + code for code in range(31)]


def test_representation(engine: EngineChoice) -> None:
    """Four registers a line."""
    regs = machine("halt", engine, a3=0xABC, rr7=1).board.cpu.regs
    lines = repr(regs).splitlines()
    assert len(lines) == 8
    assert lines[0] == " a0 0x00000000   a1 0x00000000   a2 0x00000000   a3 0x00000ABC"
    assert "rr7 0x00000001" in lines[5]
