"""The debugger's screens as pictures: what stands where, compared with files in `screens`.

`LRVM_UPDATE_SCREENS=1` writes those anew; look at them before they are committed. What is bold
is underlined by `~`.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lrvm_jit.debug import Debugger
from lrvm_tools.debugging.screen import DebuggerScreen, ScreenHost
from lrvm_tools.images import load_program
from lrvm_tools.machines import default_machine

SCREENS = Path(__file__).parent / "screens"
CHARACTER_WIDTH = 12.2
"""That of a screenshot."""
CALLS = """\
start:
    cpy ac0, 1
    shl ac0, 16
    cpy ssp, ac0
    add ssp, 0x800
    call outer
    halt
outer:
    call inner
    ret
inner:
    inc a0
    wsa ac0, a0
    ret
"""


def picture(svg: str) -> str:
    """The characters of a screenshot, with lines below those that have something bold."""
    root = ElementTree.fromstring(svg)
    style = next(one.text or "" for one in root.iter() if one.tag.endswith("style"))
    bold = set(re.findall(r"\.(\S+?) *\{[^}]*font-weight: bold", style))
    lines: dict[float, dict[int, str]] = defaultdict(dict)
    marks: dict[float, set[int]] = defaultdict(set)
    for one in root.iter():
        # The window's own title has no place in a line.
        if not one.tag.endswith("text") or "line" not in one.get("clip-path", ""):
            continue
        row, column = float(one.get("y", "0")), round(float(one.get("x", "0")) / CHARACTER_WIDTH)
        for at, character in enumerate((one.text or "").replace("\xa0", " "), column):
            lines[row][at] = character
            if one.get("class") in bold and character != " ":
                marks[row].add(at)
    return "\n".join(shown(lines, marks)) + "\n"


def shown(lines: dict[float, dict[int, str]], marks: dict[float, set[int]]) -> Iterator[str]:
    for row in sorted(lines):
        line = lines[row]
        yield "".join(line.get(at, " ") for at in range(max(line) + 1)).rstrip()
        if marks[row]:
            yield "".join("~" if at in marks[row] else " " for at in range(max(marks[row]) + 1))


@pytest.mark.parametrize(
    ("name", "size", "lines", "keys"),
    [
        ("start", (120, 36), (), ()),
        ("breakpoint", (120, 36), ("break inner", "run"), ("f11",)),
        ("back", (120, 36), ("break inner", "run", "watch [0x10000]", "continue"), ("f8", "f9")),
        ("mistakes", (120, 36), ("break nowhere", "print a0 +", "frobnicate", "info flags"), ()),
        ("memory", (120, 36), ("run", "x 0x10000 2"), ("f3",)),
        ("components", (120, 36), (), ("f3", "f3")),
        ("halted", (120, 36), ("run", "when 0x10000"), ()),
        ("small", (80, 24), ("break outer", "run"), ()),
    ],
)
def test_screens(
    name: str, size: tuple[int, int], lines: tuple[str, ...], keys: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "calls.lasm"
    path.write_text(CALLS)
    host = ScreenHost()
    with (
        default_machine(load_program(path), host=host) as machine,
        Debugger(machine.board, machine.program) as debugger,
    ):
        app = DebuggerScreen(debugger, host, lines)

        async def session() -> str:
            async with app.run_test(size=size) as pilot:
                await pilot.pause()  # the first commands come after the first layout
                await app.workers.wait_for_complete()
                for key in keys:
                    await pilot.press(key)
                    await app.workers.wait_for_complete()
                await pilot.pause()
                return app.export_screenshot()

        found = picture(asyncio.run(session()))
    kept = SCREENS / f"{name}.txt"
    if os.environ.get("LRVM_UPDATE_SCREENS"):
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(found, encoding="utf-8")
    assert found == kept.read_text(encoding="utf-8")
