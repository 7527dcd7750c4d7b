"""What a batch component can rely on, and what becomes of its errors, mistakes and failures."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy
import pytest

from lrvm_jit import HardwareError, Metadata
from lrvm_jit.batch import (
    FINE,
    Batch,
    BatchComponent,
    CharOutput,
    LaneReason,
    PartlyServedError,
    RandomSource,
)
from lrvm_jit.batch.component import Errors, LaneNumbers, Words
from lrvm_jit.batch.lane_arrays import LaneArrays
from lrvm_jit.isa import Reg
from lrvm_tools.lasm import assemble
from tests.batch.lanes_and_machines import (
    BUDGET,
    Recorder,
    SingleRecorder,
    assert_same,
    batch_of,
    engines,
    sample,
    single,
    threads,
)
from tests.engines import EngineChoice

EVERY_ACCESS = """
    cpy ac0, 0x2000
    wsa ac0, 0, a1
    lsa a2, ac0, 0
    lsa a3, ac0, 4
    mod a0, 5, 0
loop:                       ; lanes go different ways
    wsa ac0, 8, a0
    sub a0, 1
    ifge
    jp loop
    srm ac0, 0, a3          ; reads and writes
    srm ac0, 4, a3
    cpy ssp, 0x2020
    push a2
    call routine
    pop a4
    halt
routine:
    push 7
    pop a5
    ret
"""

TABLES = """
    cpy ac0, 0x2000
    cpy a3, 1
    shl a3, 31
    wsa ac0, 0, a3          ; a directory whose entry passes all through
    cpy pda, ac0
    cpy mtt, 1
    cpy ac1, 0x1000         ; from here on each access begins with a look at the directory,
    wsa ac1, 0, a1
    lsa a2, ac1, 0
    srm ac1, 0, a0          ; so this reads three times,
    srm ac0, 4, a2          ; and this four times
    lsa a4, ac0, 4
    cpy ssp, 0x2020
    push a4
    pop a5
    mod a0, 3, 0
loop:
    sub a0, 1
    ifge
    jp loop
    cpy mtt, 0
    halt
"""


@engines
@threads
@pytest.mark.parametrize("n", [1, 20, 10_000])
@pytest.mark.parametrize("source", [EVERY_ACCESS, TABLES], ids=["accesses", "tables"])
def test_each_access_once_and_in_order(source: str, n: int, engine: str, threads: int) -> None:
    """Each lane's accesses are those of a single machine."""
    recorder = Recorder()
    batch = batch_of(source, n, [recorder], engine, threads)
    result = batch.run(BUDGET)
    for lane in sample(n):
        model = SingleRecorder()
        assert_same(batch, result, lane, single(source, lane, [model]))
        assert recorder.log(lane) == model.accesses
    assert batch.stats().engine == {"auto": "translator"}.get(engine, engine)


@engines
@pytest.mark.parametrize("source", [EVERY_ACCESS, TABLES], ids=["accesses", "tables"])
@pytest.mark.parametrize("seed", range(4))
def test_budgets_do_not_repeat_or_lose_accesses(source: str, seed: int, engine: str) -> None:
    """However short the runs, a lane's accesses are the same."""
    numbers = random.Random(seed)
    recorder = Recorder()
    batch = batch_of(source, 20, [recorder], engine)
    while not batch.lanes.halted.all():
        result = batch.run(numbers.choice((1, 2, 3, 7)))
    for lane in range(20):
        model = SingleRecorder()
        assert_same(batch, result, lane, single(source, lane, [model]))
        assert recorder.log(lane) == model.accesses


@pytest.mark.parametrize(("n", "at_least"), [(64, 16), (10_000, 300)])
def test_one_call_serves_many_lanes(n: int, at_least: int) -> None:
    """Lanes that do the same are served together."""
    recorder = Recorder()
    source = "cpy ac0, 0x2000\nlsa a2, ac0, 0\nadd a2, 1\nwsa ac0, 0, a2\nlsa a3, ac0, 0\nhalt"
    batch_of(source, n, [recorder]).run()
    sizes = [len(lanes) for _, lanes, _, _ in recorder.calls]
    assert sum(sizes) == 3 * n
    assert sum(sizes) >= at_least * len(sizes)


def test_lanes_and_reads_are_numpy_arrays_of_the_stated_types() -> None:
    """int64 lanes, uint32 offsets and words."""
    seen: list[tuple[str, ...]] = []

    class Typed(Recorder):
        def read(self, lanes: LaneNumbers, offsets: Words) -> tuple[Words, Errors]:
            seen.append((str(lanes.dtype), str(offsets.dtype)))
            return super().read(lanes, offsets)

        def write(self, lanes: LaneNumbers, offsets: Words, words: Words) -> Errors:
            seen.append((str(lanes.dtype), str(offsets.dtype), str(words.dtype)))
            return super().write(lanes, offsets, words)

    batch_of("cpy ac0, 0x2000\nlsa a2, ac0, 0\nwsa ac0, 0, a2\nhalt", 3, [Typed()]).run()
    assert seen == [("int64", "uint32"), ("int64", "uint32", "uint32")]


# --- errors for the guest --------------------------------------------------------------------

TRY_ALL = """
    cpy ac0, 0x2000
    cpy ac1, 0x1000
    cpy ev, refused
    cpy c0, 0
loop:
    lsa a2, ac0, c0
    wsa ac0, c0, a1
    srm ac0, c0, a2
    add c0, 4
    cmp c0, 64
    ifls
    jp loop
    halt
refused:
    wsa ac1, 0, et
    add ac1, 4
    cpy a6, era
    add a6, 4
    jp a6
"""


def refused(kind: str, lane: int, offset: int) -> int:
    """An error for some accesses, by lane, offset and kind; else FINE."""
    scattered = (lane * 7 + offset * 5 + len(kind)) * 2654435761 >> 7
    return scattered & 0xFFFF if scattered % 3 == 0 else FINE


@engines
@threads
@pytest.mark.parametrize("n", [1, 40, 2000])
def test_errors_reach_the_lane(n: int, engine: str, threads: int) -> None:
    """A refused access is that lane's hardware exception, and nobody else's."""

    def errors(kind: str, lanes: LaneNumbers, offsets: Words) -> Errors:
        pairs = zip(lanes.tolist(), offsets.tolist(), strict=True)
        return numpy.array([refused(kind, *pair) for pair in pairs], numpy.int32)

    recorder = Recorder(on_access=errors)
    batch = batch_of(TRY_ALL, n, [recorder], engine, threads)
    result = batch.run(BUDGET)
    for lane in sample(n):

        def error(kind: str, offset: int, lane: int = lane) -> HardwareError | None:
            word = refused(kind, lane, offset)
            return None if word == FINE else HardwareError.from_word(word)

        model = SingleRecorder(on_access=error)
        assert_same(batch, result, lane, single(TRY_ALL, lane, [model]))
        assert recorder.log(lane) == model.accesses
        assert batch.ram[lane].any()


# --- wrong answers ---------------------------------------------------------------------------


class Answering(Recorder):
    """Answers whatever it is told to."""

    answer: object = None

    def read(self, lanes: LaneNumbers, offsets: Words) -> tuple[Words, Errors]:
        return self.answer  # type: ignore[return-value]

    def write(self, lanes: LaneNumbers, offsets: Words, words: Words) -> Errors:
        return self.answer  # type: ignore[return-value]


READ = "cpy ac0, 0x2000\nlsa a2, ac0, 0\nhalt"
WRITE = "cpy ac0, 0x2000\nwsa ac0, 0, a2\nhalt"
FOUR = numpy.zeros(4, numpy.uint32)


@pytest.mark.parametrize(
    ("source", "answer", "kind", "message"),
    [
        (READ, None, TypeError, r"shape \(\) and dtype object; wanted 4 whole numbers"),
        (READ, FOUR[:3], TypeError, r"Recorder answered reads of 4 lanes .* shape \(3,\)"),
        (READ, FOUR[:, None], TypeError, r"shape \(4, 1\)"),
        (READ, 0, TypeError, r"shape \(\)"),
        (READ, FOUR * 1.5, TypeError, "dtype float64; wanted 4 whole numbers"),
        (READ, ["a"] * 4, TypeError, "dtype <U1"),
        (READ, [0, 1, -1, 0], ValueError, "answered -1 to a read; a word is 0..4294967295"),
        (READ, [0, 1 << 32, 0, 0], ValueError, "answered 4294967296 to a read"),
        (READ, (FOUR, [FINE] * 3), TypeError, r"errors of shape \(3,\) .* for 4 accesses"),
        (READ, (FOUR, [FINE, FINE, -2, FINE]), ValueError, "the error -2; it must be -1 or a"),
        (READ, (FOUR, [FINE, 1 << 16, 0, 0]), ValueError, "the error 65536"),
        (WRITE, FOUR[:3], TypeError, r"errors of shape \(3,\)"),
        (WRITE, [0.5] * 4, TypeError, "dtype float64 for 4 accesses"),
        (WRITE, [FINE, 1 << 16, 0, 0], ValueError, "the error 65536"),
    ],
)
def test_wrong_answers(source: str, answer: object, kind: type[Exception], message: str) -> None:
    """They come out of the run, and the lanes stand before the access."""
    component = Answering()
    component.answer = answer
    batch = batch_of(source, 4, [component])
    for _ in range(2):
        with pytest.raises(kind, match=message):
            batch.run(BUDGET)
        assert batch.regs[:, 22].tolist() == [4] * 4
        assert batch.lanes.cycles.tolist() == [1] * 4
    component.answer = numpy.full(4, 9) if source == READ else None
    result = batch.run(BUDGET)
    assert result.cycles.tolist() == [3] * 4
    assert batch.regs[:, 2].tolist() == [9 if source == READ else 0] * 4


def test_hardware_errors_are_answers() -> None:
    """A batch component that raises one, as components of single machines do, hears what to do."""

    def refuse(*_: object) -> None:
        raise HardwareError(0x20)

    refusing: Callable[..., None] = refuse
    batch = batch_of(READ, 4, [Recorder(on_access=refusing)])
    with pytest.raises(TypeError, match=r"Recorder raised a HardwareError; .* array of errors"):
        batch.run(BUDGET)


# --- failures --------------------------------------------------------------------------------

TWO_COMPONENTS = """
    cpy ac0, 0x2000         ; output, then a random source, then the recorder
    cpy ac1, 0x2008
    mod a0, 5, 0
    add a0, 3
loop:
    lsa a2, ac0, 4
    wsa ac1, 0, a2
    cpy a4, a2
    and a4, 0x3F
    add a4, 0x40
    wsa ac0, 0, a4
    lsa a3, ac1, 0
    add a5, a3
    and a2, 1
    ifeq
    jp loop
    dec a0
    ifnq
    jp loop
    wsa ac1, 4, a5
    halt
"""


class BrokenError(Exception):
    pass


@engines
@threads
@pytest.mark.parametrize(("n", "every"), [(1, 2), (40, 2), (40, 3), (40, 7), (300, 7)])
def test_running_on_after_failures(n: int, every: int, engine: str, threads: int) -> None:
    """A component fails again and again; the outcome is that of a run without failures, and no
    access of any component is lost or repeated."""

    def outcome(batch: Batch, recorder: Recorder, output: CharOutput) -> list[object]:
        arrays = batch.lanes
        state: list[object] = [array.tolist() for array in (arrays.regs, batch.ram)]
        logs = [recorder.log(lane) for lane in range(n)]
        counters = [arrays.cycles.tolist(), arrays.last_pc.tolist()]
        return [*state, *counters, logs, output.texts()]

    def made(recorder: Recorder) -> tuple[Batch, CharOutput]:
        output = CharOutput()
        components = [output, RandomSource(n), recorder]
        return batch_of(TWO_COMPONENTS, n, components, engine, threads), output

    quiet = Recorder()
    batch, output = made(quiet)
    batch.run(BUDGET)
    expected = outcome(batch, quiet, output)

    calls = iter(range(1, 1_000_000))

    def fail(kind: str, lanes: LaneNumbers, offsets: Words) -> Errors | None:
        if next(calls) % every == 0:
            raise BrokenError(kind)
        return None

    failing = Recorder(on_access=fail)
    batch, output = made(failing)
    failures = 0
    while not batch.lanes.halted.all():
        try:
            batch.run(BUDGET)
        except BrokenError:
            failures += 1
            standing = batch.regs[:, 22][batch.lanes.halted == 0]
            assert ((standing % 4 == 0) & (standing < 0x60)).all()
            assert not numpy.isin(batch.lanes.reason, [LaneReason.EXCEPTION, 255]).any()
    assert failures > 0
    assert outcome(batch, failing, output) == expected


@pytest.mark.parametrize("failing", range(1, 12))
@pytest.mark.parametrize("source", [EVERY_ACCESS, TABLES], ids=["accesses", "tables"])
@engines
def test_a_failure_within_an_instruction(source: str, failing: int, engine: str) -> None:
    """The instruction has not happened, as on a single machine that fails at the same access: it
    begins again, with all its accesses."""

    def count_down() -> Callable[..., None]:
        numbers = iter(range(failing - 1, -1_000_000, -1))

        def access(*_: object) -> None:
            if next(numbers) == 0:
                raise BrokenError

        return access

    recorder = Recorder(on_access=count_down())
    batch = batch_of(source, 1, [recorder], engine)
    model = SingleRecorder(on_access=count_down())
    board = single(source, 0, [model])
    with pytest.raises(BrokenError):
        batch.run(BUDGET)
    with pytest.raises(BrokenError):
        board.run(max_cycles=BUDGET)
    assert batch.regs[0].tolist() == list(board.cpu.regs)
    assert batch.lanes.cycles[0] == board.cpu.cycles
    result = batch.run(BUDGET)
    assert_same(batch, result, 0, board)
    assert recorder.log(0) == model.accesses


class Partly(Recorder):
    """Serves all accesses of a call before the lane that it fails at, once."""

    fails_at: int | None = 5

    def _served(self, lanes: LaneNumbers) -> int | None:
        found = numpy.flatnonzero(lanes == self.fails_at)
        if not len(found):
            return None
        self.fails_at = None
        return int(found[0])

    def read(self, lanes: LaneNumbers, offsets: Words) -> tuple[Words, Errors]:
        served = self._served(lanes)
        if served is None:
            return super().read(lanes, offsets)
        words, errors = super().read(lanes[:served], offsets[:served])
        rest = len(lanes) - served
        raise PartlyServedError(served, numpy.pad(words, (0, rest)), numpy.pad(errors, (0, rest)))

    def write(self, lanes: LaneNumbers, offsets: Words, words: Words) -> Errors:
        served = self._served(lanes)
        if served is None:
            return super().write(lanes, offsets, words)
        super().write(lanes[:served], offsets[:served], words[:served])
        raise PartlyServedError(served) from BrokenError("in the middle")


@pytest.mark.parametrize(("source", "kind"), [(READ, PartlyServedError), (WRITE, BrokenError)])
@pytest.mark.parametrize("fails_at", [0, 5, 9])
def test_a_component_that_has_served_some(
    source: str, kind: type[Exception], fails_at: int
) -> None:
    """Those count, the others are asked again."""
    recorder = Partly()
    recorder.fails_at = fails_at
    batch = batch_of(source, 10, [recorder])
    with pytest.raises(kind):
        batch.run(BUDGET)
    done = batch.lanes.cycles == 2
    assert done.tolist() == [lane < fails_at for lane in range(10)]
    assert (batch.lanes.cycles[~done] == 1).all()
    batch.run(BUDGET)
    assert all(len(recorder.log(lane)) == 1 for lane in range(10))
    assert (batch.lanes.cycles == 3).all()


def test_a_negative_number_of_served_accesses() -> None:
    """It makes no sense."""
    with pytest.raises(ValueError, match="served is -1; it must be 0 or more"):
        PartlyServedError(-1)


class Writer(BatchComponent):
    """Writes where it must not, during a run."""

    name = "Writer"

    def __init__(self, array: str) -> None:
        self.array = array

    def metadata(self) -> Metadata:
        return Metadata(1, 4, 0xFFFF_FFFF, 0)

    def plug_in(self, lanes: LaneArrays) -> None:
        self.lanes = lanes

    def write(self, lanes: LaneNumbers, offsets: Words, words: Words) -> None:
        assert self.lanes.regs[lanes, Reg.A1].tolist() == words.tolist()
        getattr(self.lanes, self.array)[lanes] = 1


@engines
@pytest.mark.parametrize("array", ["regs", "halted"])
def test_lanes_are_not_written_during_a_run(array: str, engine: EngineChoice) -> None:
    """A component that tries gets an error, as the write might be lost; between runs anybody
    may."""
    program = assemble("inc a1\nwsa a0, 0, a1\nhalt")
    batch = Batch(program, 3, components=[Writer(array)], engine=engine)
    batch.regs[:, Reg.A0] = batch.address_of(2)
    with pytest.raises(ValueError, match="read-only"):
        batch.run()
    getattr(batch.lanes, array)[0] = 1
