"""Every script under guest/ does what its comments expect, on every engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines import EngineChoice
from tests.machine.guest import ScriptError, check_script, script_mistakes

SCRIPTS = Path(__file__).with_name("guest")
PATHS = sorted(SCRIPTS.rglob("*.lasm"))


def test_scripts_are_found() -> None:
    """An empty or moved folder must not pass for success."""
    assert len(PATHS) >= 20


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(SCRIPTS)))
def test_script(path: Path, engine: EngineChoice) -> None:
    """The script's run ends as its `; expect` lines say."""
    check_script(path, engine)


def test_a_wrong_expectation_of_each_kind_is_noticed(engine: EngineChoice) -> None:
    """The scripts protect nothing if a mismatch went unseen; so each kind must report one."""
    source = """
    ; with: a2 = 3
    ; expect: a0 = 6
    ; expect: a2 = 4
    ; expect flags a1: ZF
    ; expect word 0x40: 8
    ; expect stop: exception
    ; expect cycles: 9
    ; expect exception: 0x0A 0
    add a0, 5
    cpy a1, af
    wsa 0x40, 7
    halt
    """
    assert script_mistakes(source, engine) == [
        "  a0 is 0x5, expected 0x6",
        "  a2 is 0x3, expected 0x4",
        "  flags in a1 is ZUF, expected ZF",
        "  word at 0x40 is 0x7, expected 0x8",
        "  stop reason is halted, expected exception",
        "  cycle counter is 4, expected 9",
        "  exception is none, expected 0xa 0x0",
    ]


@pytest.mark.parametrize(
    "source",
    ["halt", "; expects: a0 = 5\nhalt", "; expect nonsense: 1\nhalt", "; expect a0 = 5\nhalt"],
)
def test_a_script_that_checks_nothing_is_refused(source: str) -> None:
    """No expectation, or one misspelt, is an error of the script."""
    with pytest.raises(ScriptError):
        script_mistakes(source, "reference")
