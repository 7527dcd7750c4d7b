"""Making, describing and closing a board."""

from __future__ import annotations

from typing import Any

import pytest

from lrvm_components import BootRom, Ram
from lrvm_jit import Category, Component, Metadata, Motherboard
from lrvm_jit.engines import ENGINES
from tests.engines import EngineChoice
from tests.machine.guest import machine
from tests.machine.probes import Probe


def test_an_unknown_engine_lists_the_known_ones() -> None:
    ram = Ram(16)
    with pytest.raises(ValueError, match=r"unknown engine 'turbo'.*reference, interpreter"):
        Motherboard([ram], engine="turbo")
    # The failed attempt has not claimed the component.
    Motherboard([ram], engine="reference")


@pytest.mark.parametrize("name", ENGINES)
def test_engines_by_name(name: str) -> None:
    """`auto` is a compiled one; the board tells which."""
    board = Motherboard([Ram(16)], engine=name)
    assert board.engine == (name if name != "auto" else board.engine)
    assert board.engine in ENGINES
    assert board.engine != "auto"


@pytest.mark.parametrize("make", [lambda: Ram(16), Probe])
def test_a_component_twice(make: Any, engine: EngineChoice) -> None:
    component = make()
    with pytest.raises(ValueError, match="listed twice"):
        Motherboard([component, component], engine=engine)


@pytest.mark.parametrize("make", [lambda: Ram(16), Probe], ids=["memory", "bus"])
def test_a_component_in_two_boards(make: Any, engine: EngineChoice) -> None:
    """A component belongs to one board until that is closed, be it memory or not."""
    component = make()
    first = Motherboard([component], engine=engine)
    first.map(0, 0)
    first.memory.write(4, 7)
    with pytest.raises(ValueError, match=f"{component.name} already belongs to another board"):
        Motherboard([component], engine=engine)
    first.close()
    second = Motherboard([BootRom([1, 2, 3]), component], engine=engine)
    second.map_contiguous(0)
    assert second.memory.read(16) == 7
    second.memory.write(16, 8)
    assert first.memory.read(4) == 8
    with pytest.raises(RuntimeError, match="closed"):
        first.run()


class Attached(Ram):
    """Knows its board."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__(16)
        self.boards: list[Motherboard] = []
        self.fails = fails

    def attach(self, board: Motherboard) -> None:
        assert board.components[-1] is self
        assert board.memory.read(0) == 0
        self.boards.append(board)
        board.cpu.regs.a0 = 5
        if self.fails:
            raise KeyError("broken")


def test_a_component_gets_its_board(engine: EngineChoice) -> None:
    """Once the board is complete, and again with another one."""
    component = Attached()
    with Motherboard([Ram(16), component], engine=engine) as first:
        assert component.boards == [first]
        assert first.cpu.regs.a0 == 5
    second = Motherboard([component], engine=engine)
    assert component.boards == [first, second]


def test_a_component_that_refuses_its_board(engine: EngineChoice) -> None:
    """The components are as before, and may be part of another board."""
    memory, component = Ram(16), Attached(fails=True)
    with pytest.raises(KeyError):
        Motherboard([memory, component], engine=engine)
    component.fails = False
    Motherboard([memory, component], engine=engine)


def test_what_is_no_component(engine: EngineChoice) -> None:
    with pytest.raises(TypeError, match="'ram' is not a Component"):
        Motherboard(["ram"], engine=engine)  # type: ignore[list-item]


class Described(Component):
    """A component with whatever metadata it is given."""

    def __init__(self, data: Any, name: Any = "Described") -> None:
        self.data = data
        self.name = name

    def metadata(self) -> Any:
        return self.data


def test_a_component_without_metadata(engine: EngineChoice) -> None:
    with pytest.raises(TypeError, match="Component must define metadata"):
        Motherboard([Component()], engine=engine)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1, 2, 3], "8 words, not 3"),
        ([0] * 9, "8 words, not 9"),
        ([0, 0, -1, 0, 0, 0, 0, 0], "-1 is outside"),
        ([0, 0, 1 << 32, 0, 0, 0, 0, 0], "4294967296 is outside"),
    ],
)
def test_bad_metadata(data: list[int], message: str, engine: EngineChoice) -> None:
    with pytest.raises(ValueError, match=message):
        Motherboard([Described(data)], engine=engine)


def test_a_name_that_is_no_text(engine: EngineChoice) -> None:
    with pytest.raises(TypeError, match="name must be a string, not 5"):
        Motherboard([Described([0] * 8, name=5)], engine=engine)


def test_metadata_as_words_and_as_fields(engine: EngineChoice) -> None:
    """Both ways the guest sees the same eight words."""
    fields = Metadata(0x0000000500000006, 0x40, Category.CLOCK, 1, 2, 0x0000000300000004)
    source = "\n".join(f"hwd a{k}, 1, {info}" for k, info in enumerate((1, 2, *range(0x20, 0x26))))
    found = []
    for data in (fields, fields.words()):
        described = machine(source + "\nhalt", engine, [Described(data)])
        described.run()
        found.append(described.board.cpu.regs[0:8])
    assert found == [[5, 6, 0x40, 0x1000, 1, 2, 3, 4]] * 2


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("x" * 32, b"x" * 32),
        ("x" * 33, b"x" * 32),
        ("é" * 17, "é".encode() * 16),
        ("x" + "é" * 16, b"x" + "é".encode() * 15),
        ("", b""),
        ("\U0001f600" * 9, "\U0001f600".encode() * 8),
    ],
)
def test_names_as_the_guest_sees_them(name: str, seen: bytes, engine: EngineChoice) -> None:
    """UTF-8, cut to 32 bytes at a character boundary, zero padded."""
    words = "\n".join(f"hwd avr, 1, {0x11 + k}\nwsa rr0, {4 * k}, avr" for k in range(8))
    described = machine(
        f"hwd a0, 1, HWD_NAME_LEN\n{words}\nhalt",
        engine,
        [Described([0, 0, 4, 0, 0, 0, 0, 0], name)],
        rr0=0x8000,
    )
    described.run()
    assert described.a0 == len(seen)
    dump = described.board.memory.dump(0x8000, 0x801C)
    assert dump.astype(">u4").tobytes() == seen.ljust(32, b"\0")


def test_description(engine: EngineChoice) -> None:
    """repr() shows the engine and where each component is mapped."""
    board = Motherboard([BootRom([0]), Ram(16)], engine=engine)
    board.map(0x1000, 1)
    lines = repr(board).splitlines()
    assert board.engine in lines[0]
    assert lines[1].split() == ["0", "BootROM", "not", "mapped"]
    assert lines[2].split() == ["1", "RAM", "0x00001000", "->", "0x0000100F"]
    assert repr(board.cpu).startswith("<Cpu cycle 0, halted>")


def test_close(engine: EngineChoice) -> None:
    """Closes every component once, and refuses to run from then on; the state can be read."""
    first, second = Probe(), Probe()
    closing = machine("inc a0\nhalt", engine, [first, second])
    closing.run()
    closing.board.close()
    closing.board.close()
    assert (first.closed, second.closed) == (1, 1)
    for attempt in (closing.board.run, closing.board.cpu.step):
        with pytest.raises(RuntimeError, match="closed"):
            attempt()
    assert (closing.a0, closing.board.memory.read(0)) == (1, int(closing.ram.words[0]))


def test_the_context_manager_closes(engine: EngineChoice) -> None:
    """Also when the block fails, whose exception is the one that comes out."""
    probe = Probe()

    def fail_inside() -> None:
        with Motherboard([probe], engine=engine) as board:
            assert isinstance(board, Motherboard)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert probe.closed == 1


def test_one_component_that_fails_to_close(engine: EngineChoice) -> None:
    """The others are closed all the same; then its error comes out."""
    error = OSError("disk")
    components = [Probe(), Probe(fail={("close", 0): error}), Probe()]
    board = Motherboard(components, engine=engine)
    with pytest.raises(OSError, match="disk") as caught:
        board.close()
    assert caught.value is error
    assert [component.closed for component in components] == [1, 1, 1]
    board.close()
    assert [component.closed for component in components] == [1, 1, 1]


def test_several_that_fail_to_close(engine: EngineChoice) -> None:
    """All errors come out together."""
    failing = [Probe(fail={("close", 0): OSError(k)}) for k in range(3)]
    with pytest.raises(ExceptionGroup) as caught:
        Motherboard(failing, engine=engine).close()
    assert len(caught.value.exceptions) == 3


def test_the_base_component(engine: EngineChoice) -> None:
    """A subclass that defines nothing but metadata refuses reads and writes, and can be reset."""
    plain = machine(
        "cpy ev, next\nlsa a1, a0\nnext: cpy a2, et\ncpy ev, last\nwsa a0, 0, 1\nlast: halt",
        engine,
        [Described([0, 0, 8, 0, 0, 0, 0, 0])],
        a0=0x10000,
    )
    plain.run()
    assert (plain.a2, plain.et) == (0x01A02100, 0x01A03100)
    plain.board.reset()
