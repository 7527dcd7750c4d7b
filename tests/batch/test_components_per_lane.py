"""Ordinary components in a batch, one for each lane."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy
import pytest

from lrvm_components import (
    BasicDebug,
    BufferedDisplay,
    CharDisplay,
    CharKeyboard,
    FileMemory,
    FlashMemory,
    LineKeyboard,
    NumberDisplay,
    Ram,
    RealtimeClock,
)
from lrvm_jit import Component, HardwareError, MemoryWindow, Metadata, Motherboard
from lrvm_jit.batch import Batch, PerLane
from lrvm_tools.lasm import assemble
from tests.batch.lanes_and_machines import (
    BUDGET,
    DESCRIPTION,
    SingleRecorder,
    assert_same,
    batch_of,
    engines,
    sample,
    single,
    threads,
)

USE_ALL = (
    DESCRIPTION
    + """
    cpy ac0, 0x2000
    cpy ac1, 0x1000
    cpy ev, refused
    hwd a7, 2, 0x20         ; the component's size
    cpy c1, 0
again:
    cpy c0, 0
words:                      ; text into every word,
    cpy a2, 0x4142
    add a2, a0
    wsa ac0, c0, a2
    lsa a3, ac0, c0
    wsa ac1, 0, a3
    add ac1, 4
    srm ac0, c0, a3
    add c0, 4
    cmp c0, a7
    ifls
    jp words
    sub c0, 4
    wsa ac0, c0, 0xAA       ; and all commands into the last.
    wsa ac0, c0, 0x01
    cpy a4, 0
content:
    lsa a3, ac0, a4
    wsa ac1, 0, a3
    add ac1, 4
    add a4, 4
    cmp a4, a7
    ifls
    jp content
    wsa ac0, c0, 0xBB
    wsa ac0, c0, 0x02
    wsa ac0, c0, 0xFF
    cmp c1, 0
    ifnq
    halt
    inc c1
    cpy avr, 2
    reset 0x11
    jp again
refused:
    wsa ac1, 0, et
    add ac1, 4
    cpy a6, era
    add a6, 4
    jp a6
"""
)

Shown = list[object]


def line(lane: int, shown: Shown) -> str:
    shown.append("a line")
    return f"líne {lane}\n"


KINDS: dict[str, Callable[[int, Shown, Path], Component]] = {
    "CharDisplay": lambda lane, shown, path: CharDisplay(shown.append),
    "NumberDisplay": lambda lane, shown, path: NumberDisplay(shown.append),
    "BufferedDisplay": lambda lane, shown, path: BufferedDisplay(20, shown.append),
    "CharKeyboard": lambda lane, shown, path: CharKeyboard(lambda: "é" if lane % 3 else ""),
    "LineKeyboard": lambda lane, shown, path: LineKeyboard(16, lambda: line(lane, shown)),
    "RealtimeClock": lambda lane, shown, path: RealtimeClock(
        iter(range(lane << 40, 1 << 62, 10**8 + 7)).__next__,
        lambda: len(shown),
    ),
    "BasicDebug": lambda lane, shown, path: BasicDebug(shown.append),
    "Ram": lambda lane, shown, path: Ram(32, image=[1, 2, lane]),
    "FlashMemory": lambda lane, shown, path: FlashMemory(32, image=[3, 4, lane]),
    "FileMemory": lambda lane, shown, path: FileMemory(path, 32, writable=True),
}


@engines
@threads
@pytest.mark.parametrize("n", [1, 50])
@pytest.mark.parametrize("kind", KINDS)
def test_every_component(kind: str, n: int, engine: str, threads: int, tmp_path: Path) -> None:
    """Each lane's component does what it does on a machine of its own."""
    shown: list[Shown] = [[] for _ in range(n)]
    paths = [tmp_path / f"{lane}" for lane in range(n)]
    for lane, path in enumerate(paths):
        path.write_bytes(bytes([lane, 1, 2, 3] * 8))
    adapter = PerLane(lambda lane: KINDS[kind](lane, shown[lane], paths[lane]))
    with batch_of(USE_ALL, n, [adapter], engine, threads) as batch:
        result = batch.run(BUDGET)
        assert batch.lanes.halted.all()
    for lane in sample(n):
        own: Shown = []
        path = tmp_path / "own"
        path.write_bytes(bytes([lane, 1, 2, 3] * 8))
        with single(USE_ALL, lane, [KINDS[kind](lane, own, path)]) as board:
            assert_same(batch, result, lane, board)
        assert list(map(str, shown[lane])) == list(map(str, own))
        assert batch.ram[lane].any()
        assert paths[lane].read_bytes() == path.read_bytes()


def test_components_of_a_template() -> None:
    """A board with a display is the template; the lanes' displays are made one by one."""
    words = assemble("cpy ac0, 0x1000\nadd a0, 65\nwsa ac0, 0, a0\nhalt")
    template = Motherboard([Ram(0x1000, image=words), CharDisplay()])
    template.map_contiguous(0)
    template.reset()
    shown: list[list[str]] = [[] for _ in range(3)]
    displays = PerLane(lambda lane: CharDisplay(shown[lane].append))
    batch = Batch(template, 3, components={1: displays})
    batch.regs[:, 0] = [0, 1, 2]
    batch.run(BUDGET)
    assert shown == [["A"], ["B"], ["C"]]


def test_a_component_too_small_for_the_template() -> None:
    """It is refused when the batch is made."""
    template = Motherboard([Ram(0x1000), BufferedDisplay(64)])
    template.map_contiguous(0)
    message = "Character Display has 4 bytes, but the template maps 64 of its component 1, Buffered"
    with pytest.raises(ValueError, match=message):
        Batch(template, 3, components={1: PerLane(lambda lane: CharDisplay())})


class Windowed(SingleRecorder):
    """Two windows, one of them read-only, beside offsets of its own."""

    def __init__(self) -> None:
        super().__init__()
        words = numpy.arange(5, 9, dtype=numpy.uint32)
        self.windows = (
            MemoryWindow(8, words[:2]),
            MemoryWindow(16, words[2:], write_error=HardwareError(0x31, 7)),
        )


@engines
def test_windows_are_served_as_by_a_board(engine: str) -> None:
    """Without a call of the component's own `read` and `write`. These do not know about windows
    here, as only the reference engine would need, so another one is the judge."""
    source = USE_ALL.replace(DESCRIPTION, "")
    adapter = PerLane(lambda lane: Windowed())
    batch = batch_of(source, 3, [adapter], engine)
    result = batch.run(BUDGET)
    for lane in range(3):
        model = Windowed()
        assert_same(batch, result, lane, single(source, lane, [model], "interpreter"))
        component = adapter.component(lane)
        assert isinstance(component, Windowed)
        assert component.accesses == model.accesses
        assert {offset for _, offset, _ in model.accesses} == {0, 4, *range(24, 64, 4)}


def test_components_are_made_when_they_are_needed() -> None:
    """Lane 0's at once, the others with their first access; each is reset before it."""
    made: list[int] = []

    def factory(lane: int) -> Component:
        made.append(lane)
        return SingleRecorder()

    source = "cpy ac0, 0x2000\nand a0, 1\nifeq\nhalt\nwsa ac0, 0, 1\nreset 0x10\nhalt"
    adapter = PerLane(factory)
    assert made == [0]
    batch = batch_of(source, 6, [adapter])
    assert made == [0]
    batch.run(BUDGET)
    assert sorted(made) == sorted(adapter.components) == [0, 1, 3, 5]
    components = adapter.components
    assert [components[k].resets for k in (0, 1, 3, 5)] == [1, 2, 2, 2]  # type: ignore[attr-defined]
    batch.reset()
    assert [components[k].resets for k in (0, 1, 3, 5)] == [2, 3, 3, 3]  # type: ignore[attr-defined]
    assert adapter.component(3) is components[3]
    assert adapter.component(2) is components[2]
    for lane in (-1, 6):
        with pytest.raises(IndexError, match=f"no lane {lane} among 6"):
            adapter.component(lane)


# --- mistakes of the factory -----------------------------------------------------------------


class Swapping(SingleRecorder):
    def swap(self, offset: int, word: int) -> int:
        return 0


def test_factories_that_make_the_wrong_thing() -> None:
    """What lane 0 shows is refused at once."""
    with pytest.raises(TypeError, match="5 is not a Component"):
        PerLane(lambda lane: 5)  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match=r"defines swap\(\), but SRM is a READ and a WRITE"):
        PerLane(lambda lane: Swapping())
    used = CharDisplay()
    Motherboard([used])
    with pytest.raises(ValueError, match="for lane 0 belongs to another lane or board already"):
        PerLane(lambda lane: used)
    adapter = PerLane(lambda lane: CharDisplay())
    batch_of("halt", 2, [adapter])
    with pytest.raises(ValueError, match="already belongs to another batch; make a new PerLane"):
        batch_of("halt", 2, [adapter])
    with pytest.raises(TypeError, match="wrap components of single machines in PerLane"):
        batch_of("halt", 2, [CharDisplay()])  # type: ignore[list-item]


ONE = SingleRecorder()


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (lambda lane: ONE, "Recorder for lane 1 belongs to another lane or board already"),
        (lambda lane: SingleRecorder(64 + 4 * lane), "lane 1 got Recorder with .*size=68"),
        (lambda lane: SingleRecorder(name=f"R{lane}"), "lane 1 got R1 .* but lane 0 has R0"),
    ],
)
def test_factories_that_go_wrong_later(factory: Callable[[int], Component], message: str) -> None:
    """What another lane shows comes out of the run."""
    batch = batch_of("cpy ac0, 0x2000\nlsa a2, ac0, 0\nhalt", 3, [PerLane(factory)])
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            batch.run(BUDGET)
        assert batch.lanes.cycles[0] in (2, 3)
        assert batch.lanes.cycles[1:].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (None, TypeError, "Recorder of lane 2 answered None to a read at offset 4; a word is"),
        (1.5, TypeError, "answered 1.5"),
        (-1, ValueError, "Recorder of lane 2 answered -1 to a read at offset 4"),
        (1 << 32, ValueError, "answered 4294967296"),
    ],
)
def test_answers_that_are_no_words(answer: object, kind: type[Exception], message: str) -> None:
    """They come out of the run; lanes that were served before keep their answers."""

    class Answering(SingleRecorder):
        def read(self, offset: int) -> int:
            word = super().read(offset)
            return answer if broken and broken[0] is self else word + 1  # type: ignore[return-value]

    broken: list[Component] = []
    adapter = PerLane(lambda lane: Answering())
    batch = batch_of("cpy ac0, 0x2000\nlsa a2, ac0, 4\nhalt", 5, [adapter])
    broken.append(adapter.component(2))
    with pytest.raises(kind, match=message):
        batch.run(BUDGET)
    assert batch.lanes.cycles.tolist() == [2, 2, 1, 1, 1]
    broken.clear()
    batch.run(BUDGET)
    assert batch.regs[:, 2].tolist() == [1] * 5
    reads = [len(adapter.component(lane).accesses) for lane in range(5)]  # type: ignore[attr-defined]
    assert reads == [1, 1, 2, 1, 1]


def test_numpy_integers_are_words() -> None:
    """As on a board."""

    class Answering(SingleRecorder):
        def read(self, offset: int) -> int:
            return numpy.uint32(0xFFFFFFFF)  # type: ignore[return-value]

    adapter = PerLane(lambda lane: Answering())
    batch = batch_of("cpy ac0, 0x2000\nlsa a2, ac0, 4\nhalt", 2, [adapter])
    batch.run(BUDGET)
    assert batch.regs[:, 2].tolist() == [0xFFFFFFFF] * 2


# --- failures --------------------------------------------------------------------------------

WORK = """
    cpy ac0, 0x2000
    mod a0, 4, 0
    add a0, 2
loop:
    lsa a2, ac0, 0
    add a2, a1
    wsa ac0, 0, a2
    dec a0
    ifnq
    jp loop
    halt
"""


class Failing(SingleRecorder):
    """Refuses its first writes, as many as its lane's number modulo 4 says."""

    def __init__(self, lane: int, error: BaseException) -> None:
        super().__init__()
        self.left = lane % 4
        self.error = error

    def write(self, offset: int, word: int) -> None:
        if self.left:
            self.left -= 1
            raise self.error
        super().write(offset, word)


@engines
@threads
@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt()])
def test_failures(error: BaseException, engine: str, threads: int) -> None:
    """A failing component ends the run and is tried again; nobody's access is lost or repeated."""
    n = 60
    adapter = PerLane(lambda lane: Failing(lane, error))
    batch = batch_of(WORK, n, [adapter], engine, threads)
    failures = 0
    while not batch.lanes.halted.all():
        try:
            batch.run(BUDGET)
        except type(error):
            failures += 1
    # A lane fails once in a run, and lanes together; 90 writes fail in all.
    assert 3 <= failures <= 90
    for lane in range(n):
        model = SingleRecorder()
        board = single(WORK, lane, [model])
        board.run(max_cycles=BUDGET)
        assert batch.regs[lane].tolist() == list(board.cpu.regs)
        assert batch.lanes.cycles[lane] == board.cpu.cycles
        component = adapter.component(lane)
        assert isinstance(component, Failing)
        # The reads come once because the write is what failed.
        assert component.accesses == model.accesses


@engines
@threads
def test_hardware_errors(engine: str, threads: int) -> None:
    """They are the guest's own, lane by lane, and end nothing."""
    source = WORK + "refused:\n halt"
    source = source.replace("loop:", "cpy ev, refused\nloop:", 1)
    adapter = PerLane(lambda lane: Failing(lane, HardwareError(0x30, lane)))
    batch = batch_of(source, 60, [adapter], engine, threads)
    result = batch.run(BUDGET)
    for lane in range(60):
        model = Failing(lane, HardwareError(0x30, lane))
        assert_same(batch, result, lane, single(source, lane, [model]))
        assert batch.regs[lane, 26] == (0x01A03000 + lane if lane % 4 else 0)


def test_close() -> None:
    """Every component is closed once; failures are reported together, after all are closed."""

    class Closing(SingleRecorder):
        def close(self) -> None:
            super().close()
            if self.words[0] % 2:
                raise OSError(f"lane {self.words[0]}")

    adapter = PerLane(lambda lane: Closing())
    batch = batch_of("cpy ac0, 0x2000\nwsa ac0, 0, a0\nhalt", 4, [adapter])
    batch.run(BUDGET)
    components = [adapter.component(lane) for lane in range(4)]
    with pytest.raises(ExceptionGroup) as caught:
        batch.close()
    assert sorted(map(str, caught.value.exceptions)) == ["lane 1", "lane 3"]
    batch.close()
    assert [component.closed for component in components] == [1] * 4  # type: ignore[attr-defined]


def test_metadata() -> None:
    """Name and metadata are those of the lanes' components."""
    adapter = PerLane(lambda lane: SingleRecorder(32))
    assert adapter.name == "Recorder"
    data = adapter.metadata()
    assert isinstance(data, Metadata)
    assert (data.size, data.type) == (32, 7)
