"""`Batch.stream`: any number of lanes, with the results of single machines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray

from lrvm_components import BootRom, Ram
from lrvm_jit import ExceptionCode, Motherboard
from lrvm_jit.batch import Batch, LaneReason, StreamResult
from lrvm_jit.batch.lane_arrays import restore_rows
from lrvm_jit.isa.table import Reg
from lrvm_tools import assemble
from tests.batch.streams import SUM, sums

LANES = 100
A0 = numpy.arange(LANES)
OUTPUTS = ("a1", "ram[0]", "ram[0:2]", "reason", "cycles", "exception", "pc", "address")


def run(inputs: Any, n: int | None = None, **options: Any) -> StreamResult:
    return Batch.stream(
        SUM, n, inputs, **{"ram_size": 64, "halt_on_exception": True, "threads": 1, **options}
    )


def single(a0: int) -> dict[str, Any]:
    """The same lane on a machine of its own."""
    with Motherboard([BootRom(SUM, 0x1000), Ram(64)], "reference") as board:
        board.map_contiguous(0)
        board.reset()
        board.cpu.regs.a0 = a0
        board.cpu.regs.c0 = 3
        board.memory.write(0x1004, 7)
        stop = board.run(halt_on_exception=True)
        first = board.memory.read(0x1000)
        return {
            "a1": board.cpu.regs.a1,
            "ram[0]": first,
            "ram[0:2]": [first, 7],
            "reason": LaneReason.EXCEPTION if stop.exception else LaneReason.HALTED,
            "cycles": stop.cycles,
            "exception": stop.exception.word if stop.exception else 0,
            "pc": board.cpu.regs["pc"],
            "address": stop.address,
        }


@pytest.mark.parametrize("chunk", [1, 7, 100, None])
def test_lanes_are_single_machines(chunk: int | None) -> None:
    """Whatever the chunks are: the last may be smaller, and nothing is left of the one before."""
    result = run({"a0": A0, "c0": 3, "ram[1]": 7}, outputs=OUTPUTS, chunk=chunk)
    assert (result.n, len(result), result.interrupted, result.resumed) == (LANES, LANES, False, 0)
    assert result.chunks == -(-LANES // (chunk or LANES))
    assert set(result.outputs) == set(OUTPUTS)
    for lane in (0, 12, 13, 14, 99):
        expected = single(lane)
        assert {name: result[name][lane].tolist() for name in OUTPUTS} == expected
    assert result["a1"].tolist() == sums(A0, 3, 7).tolist()
    assert result.counts == {LaneReason.HALTED: LANES - 1, LaneReason.EXCEPTION: 1}
    assert result.instructions == result["cycles"].sum()
    assert str(result).startswith("100 lanes (99 halted, 1 exception), ")


def test_nothing_is_left_of_the_chunk_before() -> None:
    """A lane that finds a mark in its RAM or registers says so."""
    program = assemble("""
        cpy ac0, 0x1000
        lsa a0, ac0, 0
        wsa ac0, 0, 1
        add a0, a5
        cpy a5, 1
        halt
    """)
    result = Batch.stream(program, 50, outputs=["a0", "a5", "ram"], chunk=4, ram_size=4096)
    assert not result["a0"].any()
    assert result["a5"].all()
    assert result["ram"].shape == (50, 1024)
    assert result["ram"].sum() == 50


def test_one_machine_and_no_machine() -> None:
    one = run({"a0": 5, "c0": 2}, 1, outputs=["a1"])
    assert (one["a1"].tolist(), one.n) == ([10], 1)
    none = run(None, 0, outputs=["a1", "ram[0:3]"])
    assert (none["a1"].shape, none["ram[0:3]"].shape, none.chunks) == ((0,), (0, 3), 0)
    assert none["a1"].dtype == numpy.uint32


def pieces() -> Iterator[dict[str, Any]]:
    for first, count in ((0, 10), (10, 1), (11, 60), (71, 29)):
        yield {"a0": A0[first : first + count], "c0": 3}


def structured() -> NDArray[Any]:
    array = numpy.zeros(LANES, [("a0", "u4"), ("c0", "u2")])
    array["a0"] = A0
    array["c0"] = 3
    return array


SOURCES: dict[str, Any] = {
    "mapping": ({"a0": A0, "c0": numpy.full(LANES, 3)}, None),
    "lists": ({"a0": A0.tolist(), "c0": [3] * LANES}, None),
    "bytes": ({"a0": A0.astype(numpy.uint8), "c0": 3}, None),
    "function": (lambda first, count: {"a0": numpy.arange(first, first + count), "c0": 3}, LANES),
    "iterator": (pieces(), None),
    "infinite": (({"a0": A0[k * 9 : k * 9 + 9], "c0": 3} for k in range(10**9)), LANES),
    "list of pieces": (list(pieces()), None),
    "structured": (structured(), None),
}


@pytest.mark.parametrize("name", SOURCES)
def test_sources(name: str) -> None:
    inputs, n = SOURCES[name]
    result = run(inputs, n, outputs=["a1"], chunk=40)
    assert result["a1"].tolist() == sums(A0, 3).tolist()


def test_an_array_alone() -> None:
    halt = assemble("halt")
    assert Batch.stream(halt, inputs=A0)["a0"].tolist() == A0.tolist()
    table = A0.reshape(10, 10)
    result = Batch.stream(halt, inputs=table, outputs=["ram[0:11]"], ram_size=64)
    assert result["ram[0:11]"][:, :10].tolist() == table.tolist()
    assert not result["ram[0:11]"][:, 10].any()


def test_inputs_for_words_of_ram() -> None:
    halt = assemble("halt")
    inputs = {"ram": [1, 2], "ram[3]": A0, "ram[4:6]": [8, 9], "ram[14:]": A0.reshape(50, 2)[:, :1]}
    with pytest.raises(ValueError, match=r"different numbers of rows: 'ram\[3\]' has 100, 'ram\["):
        Batch.stream(halt, inputs=inputs, ram_size=64)
    inputs["ram[14:]"] = numpy.stack([A0, -A0], axis=1)
    result = Batch.stream(halt, inputs=inputs, outputs=["ram"], ram_size=64, chunk=30)
    expected = [[1, 2, 0, k, 8, 9, *[0] * 8, k, -k & 0xFFFFFFFF] for k in range(LANES)]
    assert result["ram"].tolist() == expected


def test_programs_of_the_lanes() -> None:
    """As the program, or as an input that is made chunk by chunk."""
    programs = numpy.array([assemble(f"cpy a0, {k}\nhalt") for k in range(20)])
    whole = Batch.stream(programs, chunk=6)
    made = Batch.stream(
        None, 20, lambda first, count: {"program": programs[first : first + count]}, chunk=6
    )
    assert whole["a0"].tolist() == made["a0"].tolist() == list(range(20))
    assert programs[19].tolist() == assemble("cpy a0, 19\nhalt").tolist()


def test_a_board_as_the_template() -> None:
    """Every chunk begins with what the board holds now."""
    with Motherboard([BootRom(SUM, 0x1000), Ram(64)]) as board:
        board.map_contiguous(0)
        board.reset()
        board.cpu.regs.c0 = 3
        board.memory.write(0x1004, 7)
        result = Batch.stream(
            board,
            inputs={"a0": A0},
            outputs=["a1", "ram[1]"],
            chunk=30,
            halt_on_exception=True,
        )
    assert result["a1"].tolist() == sums(A0, 3, 7).tolist()
    assert (result["ram[1]"] == 7).all()


def test_a_chunk_has_as_many_lanes_as_fit() -> None:
    """A quarter of a GiB: of 4 MiB each, some sixty."""
    with Motherboard([BootRom(assemble("halt"), 0x1000), Ram(1 << 22)]) as board:
        board.map_contiguous(0)
        board.reset()
        assert Batch.stream(board, 70).chunks == 2
    assert Batch.stream(HALT, 70, ram_size=1 << 22).chunks == 2
    assert Batch.stream(HALT, 70).chunks == 1


def test_budget() -> None:
    result = Batch.stream(assemble("jp 0"), 10, max_cycles=5)
    assert result.counts == {LaneReason.BUDGET: 10}
    assert result["cycles"].tolist() == [5] * 10


def test_exceptions_in_the_outputs() -> None:
    result = run({"a0": A0, "c0": 1})
    code = int(result["exception"][13]) >> 16 & 0xFF
    assert code == ExceptionCode.DIVISION_BY_ZERO
    assert numpy.flatnonzero(result["exception"]).tolist() == [13]


# --- outputs -------------------------------------------------------------------------------------


def test_given_arrays() -> None:
    wide = numpy.zeros(LANES, numpy.int64)
    words = numpy.zeros((LANES, 2), numpy.uint32)
    result = run({"a0": A0, "c0": 2}, out={"a1": wide, "ram[0:2]": words}, chunk=30)
    assert wide.tolist() == words[:, 0].tolist() == sums(A0, 2).tolist()
    assert result["a1"] is wide


def test_a_function_gets_the_chunks_in_order() -> None:
    got: list[tuple[int, int]] = []

    def take(first: int, outputs: dict[str, NDArray[Any]]) -> bool:
        assert outputs["a1"].tolist() == sums(A0[first : first + 30], 2).tolist()
        got.append((first, len(outputs["a1"])))
        return first == 60

    result = run({"a0": A0, "c0": 2}, outputs=["a1"], out=take, chunk=30)
    assert got == [(0, 30), (30, 30), (60, 30)]
    assert (result.n, result.chunks, result.interrupted) == (90, 3, False)
    with pytest.raises(KeyError, match="the outputs went to what `out` named"):
        result["a1"]
    with pytest.raises(KeyError, match=r"no output 'a2' here: there are a1; name more"):
        run({"a0": A0, "c0": 2}, outputs=["a1"])["a2"]


def test_an_error_in_a_function_comes_out() -> None:
    def fail(first: int, count: int) -> dict[str, Any]:
        if first:
            raise ZeroDivisionError("on purpose")
        return {"a0": A0[:count], "c0": 1}

    with pytest.raises(ZeroDivisionError, match="on purpose"):
        run(fail, LANES, chunk=10)


def test_progress_goes_over_the_whole_stream() -> None:
    seen: list[tuple[int, int, int]] = []
    result = run({"a0": A0, "c0": 2}, chunk=30, progress=lambda *numbers: seen.append(numbers))
    assert seen[-1] == (LANES, LANES, result.instructions)
    assert seen == sorted(seen)
    assert {30, 60, 90} <= {done for done, _, _ in seen}


# --- one batch for all chunks --------------------------------------------------------------------


def test_chunks_share_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code is translated once, and memory allocated once."""
    made: list[int] = []
    original = Batch.__init__

    def note(self: Batch, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        made.append(self.n)

    monkeypatch.setattr(Batch, "__init__", note)
    run({"a0": A0, "c0": 2}, chunk=7)
    assert made == [7]
    made.clear()
    # Chunks may be larger than the first.
    run(pieces(), chunk=40)
    assert made == [40]


@pytest.mark.parametrize("content", [0, 5])
def test_only_rows_that_changed_are_written(content: int) -> None:
    class Rows(numpy.ndarray[Any, Any]):
        written = 0

        def __setitem__(self, key: Any, value: Any) -> None:
            Rows.written += self[key].size
            super().__setitem__(key, value)

    words = numpy.zeros(3000, numpy.uint32)
    words[7] = content
    rows = numpy.tile(words, (50, 1)).view(Rows)
    restore_rows(rows, words)
    clean = Rows.written
    rows.view(numpy.ndarray)[30, 2000] = 1
    rows.view(numpy.ndarray)[49, 2999] = 1
    Rows.written = 0
    restore_rows(rows, words)
    assert (rows == words).all()
    # The tail that is no whole page is written in any case.
    assert clean <= 1024
    assert Rows.written <= 2 * 3000 + 1024


# --- mistakes ------------------------------------------------------------------------------------

HALT = assemble("halt")
WRONG: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("no n", {"inputs": {"a0": 5}}, TypeError, "say how many lanes there are"),
    ("n < 0", {"n": -1}, ValueError, "n is -1; it must be 0 or more"),
    ("chunk", {"n": 1, "chunk": 0}, ValueError, "chunk is 0; it must be 1 or more"),
    ("cycles", {"n": 1, "max_cycles": -1}, ValueError, "max_cycles is -1; it must be 0"),
    (
        "other n",
        {"n": 5, "inputs": {"a0": A0}},
        ValueError,
        "5 lanes are wanted, but the inputs are for",
    ),
    ("input", {"n": 1, "inputs": {"x0": 1}}, ValueError, "there is no input 'x0'; it must be a"),
    ("output", {"n": 1, "outputs": ["b"]}, ValueError, "there is no output 'b'; it must be a reg"),
    ("twice", {"n": 1, "outputs": ["a0", "a0"]}, ValueError, "'a0' is listed twice"),
    ("range", {"n": 1, "outputs": ["ram[3:3]"]}, ValueError, "has no words; the end must be"),
    ("ram", {"n": 1, "outputs": ["ram[0:17]"]}, ValueError, "outside the RAM of 16 words; choose"),
    ("ram size", {"n": 1, "outputs": ["ram[16]"]}, ValueError, "pass ram_size=68 (bytes) or more"),
    ("ram in", {"n": 1, "inputs": {"ram[20]": 1}}, ValueError, "'ram[20]' is outside the RAM"),
    ("width", {"n": 1, "inputs": {"ram[0:4]": [1, 2]}}, ValueError, "rows of 2 words, but there"),
    ("float", {"inputs": {"a0": [0.5]}}, TypeError, "elements of type float64; registers and RAM"),
    ("big", {"inputs": {"a0": [1 << 32]}}, ValueError, "contains 4294967296; a word of the"),
    ("low", {"inputs": {"a0": [-(1 << 31) - 1]}}, ValueError, "contains -2147483649; a word"),
    ("dimensions", {"inputs": {"a0": [[1]]}}, ValueError, "has shape (1, 1); it must be (lanes,)"),
    ("inputs", {"inputs": 5}, TypeError, "inputs is a int; it must be a mapping from names"),
    ("item", {"inputs": [5]}, TypeError, "item 0 of the inputs: a mapping from names to arrays"),
    ("no rows", {"inputs": [{"a0": 5}]}, ValueError, "item 0 of the inputs says nothing about"),
    (
        "file",
        {"inputs": "in.txt"},
        ValueError,
        "inputs come from .npy, .npz, .arrow, .parquet or .jsonl",
    ),
    ("program", {"n": 1, "inputs": {"program": [[1]]}}, ValueError, "pass None in its place"),
    ("out", {"n": 1, "out": 5}, TypeError, "out is a int; it must be the path of a file"),
    (
        "suffix",
        {"n": 1, "out": "x.txt"},
        ValueError,
        "outputs go to .npy, .npz, .parquet, .arrow or",
    ),
    ("folder", {"n": 1, "out": "no/x.npz"}, FileNotFoundError, "there is no folder no for x.npz"),
    ("npy", {"n": 1, "out": "x.npy"}, ValueError, "can hold one output, but there are 4: a0,"),
    ("out rows", {"n": 2, "out": {"a0": numpy.zeros(3, "u4")}}, ValueError, "must have (2,)"),
    ("out type", {"n": 2, "out": {"a0": numpy.zeros(2, "u2")}}, TypeError, "cannot hold all"),
    (
        "out names",
        {"n": 1, "outputs": ["a1"], "out": {"a0": numpy.zeros(1, "u4")}},
        ValueError,
        "out has arrays for ['a0'], but outputs are ['a1']",
    ),
    ("engine", {"n": 1, "engine": "reference"}, ValueError, "the reference engine runs single"),
]


@pytest.mark.parametrize(
    ("options", "error", "message"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_mistakes(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        Batch.stream(HALT, **{"ram_size": 64, **options})


def test_a_function_that_makes_too_few() -> None:
    with pytest.raises(ValueError, match="the input 'a0' has 3 rows for 10 lanes"):
        Batch.stream(HALT, 10, lambda first, count: {"a0": [1, 2, 3]})


def test_programs_of_another_width() -> None:
    parts = [{"program": [[1, 2]] * 3}, {"program": [[1, 2, 3]]}]
    with pytest.raises(ValueError, match="'program' has rows of 3 words; every lane needs a prog"):
        Batch.stream(None, inputs=parts, max_cycles=1)
    with pytest.raises(ValueError, match="2 lanes are wanted, but the inputs are for 3;"):
        Batch.stream(numpy.zeros((2, 1), numpy.uint32), inputs={"a0": [1, 2, 3]})
    with pytest.raises(ValueError, match="n is 3, but there are 2 programs"):
        Batch.stream(numpy.zeros((2, 1), numpy.uint32), 3)
    with pytest.raises(TypeError, match="there is no program; pass one"):
        Batch.stream(None, 3)


def test_registers_are_what_names_say() -> None:
    inputs = {str(reg): numpy.array([int(reg) * 4]) for reg in Reg}
    result = Batch.stream(HALT, inputs=inputs, outputs=list(inputs), max_cycles=0)
    assert {name: int(rows[0]) for name, rows in result.outputs.items()} == {
        name: int(rows[0]) for name, rows in inputs.items()
    }
