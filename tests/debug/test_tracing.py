"""Traces, profiles and coverage agree with what stepping sees."""

from __future__ import annotations

import gzip
import json
import xml.etree.ElementTree as ElementTree
from collections import Counter as Tally
from pathlib import Path
from typing import Any

import numpy
import pytest

from lrvm_jit import Motherboard
from lrvm_jit.debug import ProgramInfo
from lrvm_jit.debug.profile_formats import flame_graph, pprof, speedscope
from lrvm_jit.debug.profiler import cover, profile
from lrvm_jit.debug.trace_file import COLUMNS, TraceError, TraceWriter, read_trace, row_dicts
from lrvm_jit.debug.tracer import Counter, tracing
from lrvm_tools.lasm import assemble_program
from tests.debug.machines import asking, counting

REGISTERS = 32


def traced(board: Motherboard, cycles: int) -> list[dict[str, Any]]:
    rows: list[numpy.ndarray[Any, Any]] = []
    with tracing(board, lambda piece: rows.append(piece.copy())):
        board.run(cycles)
    return list(row_dicts(numpy.concatenate(rows, axis=1)))


@pytest.mark.parametrize("engine", ["interpreter", "translator"])
def test_rows_are_what_stepping_sees(engine: str) -> None:
    """On a machine that jumps, calls, stores, refuses and asks; the reference steps beside it."""
    board, _, _ = asking(engine)
    rows = traced(board, 400)
    other, _, _ = asking("reference")
    for number, row in enumerate(rows, 1):
        before = list(other.cpu.regs)
        pc = other.cpu.regs.pc
        exceptions = other.stats().exceptions
        word = other.memory.read(pc)
        other.cpu.step()
        assert (row["cycle"], row["pc"], row["word"]) == (number, pc, word)
        changed = [code for code in range(REGISTERS) if other.cpu.regs[code] != before[code]]
        if row["register"] is not None:
            assert row["value"] == other.cpu.regs[row["register"]], row
        if other.stats().exceptions > exceptions:
            assert row["register"] == "et"
            assert row["stored"] is None
        if row["stored"] is not None and 0x1000 <= row["address"] < 0x2000:
            assert other.memory.read(row["address"]) == row["stored"]
        named = {row["register"], "pc", "af", "et", "era", "smt", "ssp", "a5"}
        from lrvm_jit.isa.table import REGISTER_NAMES

        assert {REGISTER_NAMES[code] for code in changed} <= named, row
    assert len(rows) == 400
    assert list(board.cpu.regs) == list(other.cpu.regs)
    board.close()
    other.close()


def test_every_memory_instruction() -> None:
    """Address and stored word of each instruction that touches memory."""
    program = assemble_program(
        """
        cpy ssp, 0x1100         ; 1
        cpy a0, 0x1000
        cpy a1, 2
        wsa a0, 8, a1           ; 4: [0x1008] = 2
        lsa a2, a0, 8
        cpy avr, 77
        wea a0, a1, 4           ; 7: [0x1008] = 77
        lea a0, a1, 4
        srm a0, 8, a1           ; 9: swaps 77 and 2
        push a1
        pop a3
        call there              ; 12
        halt
    there:
        cmp a1, 77
        ret
        """
    )
    from lrvm_components import BootRom, Ram

    with Motherboard([BootRom(program.words, 0x1000), Ram(0x1000)], "interpreter") as board:
        board.map_contiguous(0)
        board.reset()
        rows = {row["cycle"]: row for row in traced(board, 100)}
    seen = {
        cycle: (row["register"], row["value"], row["address"], row["stored"])
        for cycle, row in rows.items()
        if row["address"] is not None or row["register"] == "af"
    }
    assert seen == {
        4: (None, None, 0x1008, 2),
        5: ("a2", 2, 0x1008, None),
        7: (None, None, 0x1008, 77),
        8: ("avr", 77, 0x1008, None),
        9: ("a1", 77, 0x1008, 2),
        10: ("ssp", 0x10FC, 0x10FC, 77),
        11: ("a3", 77, 0x10FC, None),
        12: ("ssp", 0x10FC, 0x10FC, 48),
        13: ("af", rows[13]["value"], None, None),
        14: ("pc", 48, 0x10FC, None),
    }
    assert rows[13]["value"] & 0x80


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_files(suffix: str, tmp_path: Path) -> None:
    board, program = counting("interpreter", 30)
    path = tmp_path / f"trace{suffix}"
    with board, TraceWriter(path, ProgramInfo(program)) as writer, tracing(board, writer.write):
        board.run(200)
    rows = [row for piece in read_trace(path) for row in row_dicts(piece)]
    again, _ = counting("interpreter", 30)
    with again:
        assert rows == traced(again, 200)
    assert tuple(rows[0]) == COLUMNS
    if suffix == ".jsonl":
        assert json.loads(path.read_text().splitlines()[5]) == rows[5]
    else:
        import pyarrow.parquet

        assert pyarrow.parquet.read_table(path).to_pylist() == rows


def test_bad_traces(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"\.parquet or \.jsonl"):
        TraceWriter(tmp_path / "trace.txt")
    for name, content in (
        ("a.jsonl", b"{}\n"),
        ("b.jsonl", b"nonsense"),
        ("c.jsonl", b"\xff\xfe"),
        ("d.parquet", b"PAR1 no"),
        ("e.jsonl", b"[1]\n"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TraceError, match=name):
            list(read_trace(tmp_path / name))
    # An error of the run leaves no file.
    board, _ = counting("interpreter")
    with board, pytest.raises(KeyError), TraceWriter(tmp_path / "f.jsonl"):
        raise KeyError
    assert not (tmp_path / "f.jsonl").exists()


def test_the_reference_cannot_be_traced() -> None:
    board, _ = counting("reference")
    with board, pytest.raises(ValueError, match="has no kernel"):
        traced(board, 1)


# --- profiles ------------------------------------------------------------------------------------


def test_counts_and_calls_are_exact() -> None:
    board, program = counting("interpreter", 40)
    with board:
        counter = Counter(board, range(0, len(program.bytes), 4))
        with counter.counting():
            board.run(250)
    again, _ = counting("interpreter", 40)
    with again:
        wanted = Tally(row["pc"] for row in traced(again, 250))
    found = {at: int(n) for at, n in zip(counter.words, counter.counts, strict=True) if n}
    assert found == dict(wanted)
    nodes = counter.calls()
    assert [node.target for node in nodes if node.parent >= 0] == [program.symbols["bump"]]
    assert nodes[2].calls == found[program.symbols["bump"]]
    assert nodes[2].cycles == 2 * nodes[2].calls - (250 - sum(n.cycles for n in nodes[:2])) % 2
    assert sum(node.cycles for node in nodes) == 250


RECURSION = """
    cpy ssp, 0x1f00
again:
    cpy a0, 12
    call fib
    inc a7
    cmp a7, TIMES
    ifnq
    jp again
    halt
fib:
    cmp a0, 2
    if2 0, 1, 1             ; ZF or CF: at most 2
    jp small
    push a0
    dec a0
    call fib
    pop a0
    sub a0, 2
    call fib
    ret
small:
    inc a1
    ret
"""


@pytest.mark.parametrize("exact", [True, False])
def test_profiles(exact: bool) -> None:
    """Sampled or counted, the shares of functions are about the same, and the total is exact."""
    from lrvm_components import BootRom, Ram

    program = assemble_program(RECURSION.replace("TIMES", "600"), "fib.lasm")
    with Motherboard([BootRom(program.words, 0x1000), Ram(0x1000)], "interpreter") as board:
        board.map_contiguous(0)
        board.reset()
        made = profile(board, ProgramInfo(program), exact=exact, exact_cycles=20_000)
        assert made.cycles == board.cpu.cycles
    assert made.exact is exact
    assert sum(made.words.values()) == sum(made.paths.values()) == made.cycles
    own, total = made.functions["fib"]
    assert total > 0.95 * made.cycles
    assert own > 0.9 * made.cycles
    assert made.labels["fib"] + made.labels["small"] > 0.9 * made.cycles
    assert max(map(len, made.paths)) >= 10


def test_formats() -> None:
    board, program = counting("interpreter", 100)
    with board:
        made = profile(board, ProgramInfo(program), 600)
    root = ElementTree.fromstring(flame_graph(made, "a < b"))
    titles = [one.text for one in root.iter("{http://www.w3.org/2000/svg}title")]
    own, total = made.functions["bump"]
    assert f"bump: {total:,} cycles, {100 * total / 600:.1f} %" in titles
    assert own == total
    document = json.loads(speedscope(made, "counting"))
    (one,) = document["profiles"]
    names = [frame["name"] for frame in document["shared"]["frames"]]
    assert sum(one["weights"]) == one["endValue"] == 600
    weights = {
        tuple(names[k] for k in s): w for s, w in zip(one["samples"], one["weights"], strict=True)
    }
    assert weights == dict(made.paths)
    strings, samples = read_pprof(gzip.decompress(pprof(made)))
    assert {"cycles", "bump", "start", "counting.lasm"} <= set(strings)
    assert sorted(samples) == sorted(made.paths.values())


def read_pprof(data: bytes) -> tuple[list[str], list[int]]:
    """The string table of a profile.proto and the values of its samples."""

    def fields(message: bytes) -> list[tuple[int, int | bytes]]:
        found: list[tuple[int, int | bytes]] = []
        at = 0

        def varint() -> int:
            nonlocal at
            value = shift = 0
            while True:
                byte = message[at]
                at += 1
                value |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    return value

        while at < len(message):
            key = varint()
            if key & 7 == 0:
                found.append((key >> 3, varint()))
            else:
                assert key & 7 == 2
                size = varint()
                found.append((key >> 3, message[at : at + size]))
                at += size
        return found

    strings, values = [], []
    for number, value in fields(data):
        if number == 6:
            assert isinstance(value, bytes)
            strings.append(value.decode())
        elif number == 2:
            assert isinstance(value, bytes)
            packed = dict(fields(value))[2]
            assert isinstance(packed, bytes)
            values.append(sum((byte & 0x7F) << 7 * k for k, byte in enumerate(packed)))
    return strings, values


@pytest.mark.parametrize("last", [5, 400_000])
def test_coverage(last: int) -> None:
    """Exact also where the last line is met after all counting has ended."""
    source = f"""
        cpy a1, {last & 0xFFFF}
        cpy a2, {last >> 16}
        shl a2, 16
        add a1, a2
    loop:
        inc a0
        cmp a0, a1
        ifnq
        jp loop
        jp late
        inc a3
    late:
        inc a4
        halt
        inc a5
        #d32 1
    """
    from lrvm_components import BootRom

    program = assemble_program(source, "late.lasm")
    with Motherboard([BootRom(program.words, 0x1000)]) as board:
        board.map_contiguous(0)
        board.reset()
        found = cover(board, ProgramInfo(program))
        assert board.breakpoints == frozenset()
    lines = found.lines("late.lasm")
    missed = [line for line, count in lines.items() if not count]
    assert [source.splitlines()[line - 1].strip() for line in missed] == ["inc a3", "inc a5"]
    assert len(lines) == 14 - 1
    report = found.lcov()
    assert f"LF:{len(lines)}\nLH:{len(lines) - 2}\n" in report
