"""The control-flow graph, in DOT and as a drawing."""

from __future__ import annotations

import re
import stat
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lrvm_tools.disassembly import (
    Block,
    ControlFlowGraph,
    Edge,
    ExitKind,
    analyse,
    column_svg,
    to_dot,
    to_svg,
)
from lrvm_tools.program import Instr, Program, Reg

SVG = "{http://www.w3.org/2000/svg}"


def sample() -> ControlFlowGraph:
    """A counted loop that calls a routine, and a jump out of the image."""
    program = Program().add(Instr.cpy(Reg.A0, 3)).label("loop")
    program.add(Instr.call("show"), Instr.dec(Reg.A0), Instr.ifnq(), Instr.jp("loop"))
    program.add(Instr.jp(0x4000)).label("show").add(Instr.push(Reg.A0), Instr.ret())
    return analyse(program.encode()).graph()


def test_blocks_and_edges() -> None:
    graph = sample()
    assert graph.blocks == (
        Block(0x00, "", ("cpy a0, 0x3",)),
        Block(0x04, "loc_0004", ("call sub_0018",)),
        Block(0x08, "", ("dec a0", "ifnq")),
        Block(0x10, "", ("jp loc_0004",)),
        Block(0x14, "", ("jp 0x4000",)),
        Block(0x18, "sub_0018", ("push a0", "ret")),
    )
    assert graph.edges == (
        Edge(0x00, 0x04, ExitKind.NEXT),
        Edge(0x04, 0x08, ExitKind.NEXT),
        Edge(0x04, 0x18, ExitKind.CALL),
        Edge(0x08, 0x10, ExitKind.NEXT),
        Edge(0x08, 0x14, ExitKind.SKIP),
        Edge(0x10, 0x04, ExitKind.JUMP),
        Edge(0x14, 0x4000, ExitKind.JUMP),
    )
    assert graph.outside == (0x4000,)
    assert graph.blocks[1].lines == ("loc_0004:", "0x0004  call sub_0018")


def test_every_instruction_is_in_one_block() -> None:
    words = Program(
        [Instr.ifeq(), Instr.inc(Reg.A0), Instr.inc(Reg.A1), Instr.ifls(), Instr.jp(4)]
    ).encode()
    found = analyse([*words, 0])
    covered = [
        block.start + 4 * index
        for block in found.graph().blocks
        for index in range(len(block.instructions))
    ]
    assert covered == sorted(found.code)
    assert found.graph().outside == (0x14,), "the skip leads to a word that cannot run"


def test_a_handler_and_a_second_entry_start_blocks() -> None:
    words = Program([Instr.cpy(Reg.EV, 4), *[Instr.inc(Reg.A0)] * 3, Instr.halt()]).encode()
    assert [block.start for block in analyse(words, entries=[0, 12]).graph().blocks] == [0, 4, 12]


def test_no_code_gives_an_empty_graph() -> None:
    graph = analyse(b"").graph()
    assert graph == ControlFlowGraph((), ())
    assert to_dot(graph).startswith("digraph")
    ElementTree.fromstring(column_svg(graph))


def test_dot() -> None:
    lines = to_dot(sample()).splitlines()
    assert lines[0] == "digraph control_flow {"
    assert lines[-1] == "}"
    assert r'    at_00000004 [label="loc_0004:\l0x0004  call sub_0018\l"];' in lines
    assert r'    at_00004000 [label="0x4000: no code\l", style=dashed];' in lines
    assert "    at_00000010 -> at_00000004 [style=bold];" in lines
    assert '    at_00000008 -> at_00000014 [style=dashed, label="skip"];' in lines
    assert '    at_00000004 -> at_00000018 [style=dotted, label="call"];' in lines


def test_dot_escapes_quotes_and_backslashes() -> None:
    graph = ControlFlowGraph((Block(0, "", ('say "\\"',)),), ())
    assert r"say \"\\\"\l" in to_dot(graph)


def test_svg_column_shows_every_line_and_edge() -> None:
    graph = sample()
    drawing = ElementTree.fromstring(column_svg(graph))
    texts = [element.text for element in drawing.iter(f"{SVG}text")]
    assert texts == [line for lines in graph.nodes.values() for line in lines]
    kinds = [element.text for element in drawing.iter(f"{SVG}title")]
    assert sorted(filter(None, kinds)) == sorted(edge.kind.value for edge in graph.edges)


def test_svg_column_stays_inside_its_frame_and_its_lanes_apart() -> None:
    """Jumps that overlap run side by side; both directions; boxes below one another."""
    last = 4 * 11
    program = Program()
    for number in range(5):
        program.add(Instr.ifeq(), Instr.jp(last - 8 * number))
    program.add(Instr.jp(0), Instr.halt())
    drawing = ElementTree.fromstring(column_svg(analyse(program.encode()).graph()))
    width, height = int(drawing.attrib["width"]), int(drawing.attrib["height"])
    stretches: list[tuple[int, int, int]] = []
    for path in drawing.findall(f"{SVG}path"):
        numbers = [int(number) for number in re.findall(r"\d+", path.attrib["d"])]
        if "H" not in path.attrib["d"]:
            continue
        _, start, lane, end, _ = numbers
        assert 0 < lane < width
        assert 0 < max(start, end) < height
        stretches.append((lane, min(start, end), max(start, end)))
    assert len(stretches) >= 10
    for index, (lane, low, high) in enumerate(stretches):
        for other, other_low, other_high in stretches[index + 1 :]:
            assert lane != other or high < other_low or other_high < low
    boxes = [
        (int(box.attrib["y"]), int(box.attrib["height"])) for box in drawing.findall(f"{SVG}rect")
    ]
    assert all(y + tall < below for (y, tall), (below, _) in pairwise(boxes))


def test_svg_escapes_markup() -> None:
    graph = ControlFlowGraph((Block(0, "", ("a < b & c",)),), ())
    texts = ElementTree.fromstring(column_svg(graph)).findall(f"{SVG}text")
    assert [element.text for element in texts] == ["0x0000  a < b & c"]


def test_svg_without_graphviz_is_the_column(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert to_svg(sample()) == column_svg(sample())


def test_svg_is_drawn_by_dot_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dot = tmp_path / "dot"
    dot.write_text("#!/bin/sh\necho \"<drawn with='$1'>\"\n/bin/cat\n")
    dot.chmod(dot.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert to_svg(sample()) == "<drawn with='-Tsvg'>\n" + to_dot(sample())
