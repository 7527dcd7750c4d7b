"""The command on a terminal: progress, colours, tables."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.tools.command import on_terminal

# Shows a character, computes for 1.8 seconds, and shows another: the clock's words 4 and 5.
SLOW = """
    cpy ac0, 0xf000
    cpy a0, {first}
    wsa ac0, a0
    cpy a2, 800
    mul a2, 1000
    mul a2, 1000
second:
    lsa a0, ac0, 0x30
    cmp a0, 1
    ifls
    jp second
part:
    lsa a0, ac0, 0x34
    cmp a0, a2
    ifls
    jp part
    cpy a0, "b"
    wsa ac0, a0
    halt
"""


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    path = tmp_path / "slow.lasm"
    path.write_text(SLOW.format(first='"\\n"'))
    return path


def test_progress_comes_and_goes(slow: Path) -> None:
    code, text = on_terminal("run", slow)
    assert code == 0
    assert re.search(r"\d cycles.* MIPS", text)
    # What is left on the screen: a line is erased before anything else is shown.
    _, _, rest = text.rpartition("\x1b[2K")
    assert "cycles" not in rest
    shown = re.sub(r"\x1b\[\??[0-9;]*[a-zA-Z]", "", rest).replace("\r", "")
    assert re.fullmatch(
        r"b\n\[lrvm\] Cycle 0x\w+: CPU halted at address 0x\w+\n"
        r"\[lrvm\] [\d.]+ seconds, [\d.,]+ MIPS\n",
        shown,
    )


def test_no_progress(slow: Path) -> None:
    """All at the same time, as they wait for the clock."""
    with ThreadPoolExecutor() as pool:
        ends = [
            pool.submit(on_terminal, "run", slow, "-q"),
            pool.submit(on_terminal, "run", slow, "--json"),
            pool.submit(on_terminal, "run", slow, TERM="dumb"),
        ]
    for code, text in (end.result() for end in ends):
        assert code == 0
        assert "cycles " not in text
        assert "\x1b" not in text


def test_no_progress_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "slow.lasm"
    path.write_text(SLOW.format(first='"a"'))
    code, text = on_terminal("run", path)
    assert code == 0
    assert text.startswith("ab\r\n[lrvm] Cycle")


def test_diagnostics_in_colour(tmp_path: Path) -> None:
    path = tmp_path / "wrong.lasm"
    path.write_text("nonsense")
    code, text = on_terminal("asm", path)
    assert code == 2
    assert "\x1b[1;31merror:" in text
    code, text = on_terminal("asm", path, NO_COLOR="1")
    assert code == 2
    assert "31m" not in text


def test_tables_fit_the_terminal() -> None:
    wide = on_terminal("info", COLUMNS="160")[1]
    assert "hardware id" in wide
    assert "no room" not in wide
    narrow = on_terminal("info", COLUMNS="60")[1]
    assert "(no room for: name, kind, hardware id)" in narrow
    plain = re.sub(r"\x1b\[[0-9;]*m", "", narrow)
    assert max(len(line.rstrip()) for line in plain.splitlines()) <= 60
    types = re.sub(r"\x1b\[[0-9;]*m", "", on_terminal("info", "--types", COLUMNS="80")[1])
    assert max(len(line.rstrip()) for line in types.splitlines()) <= 80


def test_a_binary_does_not_go_to_a_terminal(slow: Path) -> None:
    code, text = on_terminal("asm", slow)
    assert code == 2
    assert "a binary image does not go to a terminal" in text
