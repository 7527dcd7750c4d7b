"""The sessions of `sessions/*.txt`, carried out (docs/tools.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines import ENGINES
from tests.tools.sessions import Command, Session, carry_out, check, sessions

NAMES = [engine for engine in ENGINES if isinstance(engine, str)]


@pytest.mark.parametrize(
    ("session", "engine"),
    [
        pytest.param(session, engine, id=f"{session.name} {engine}".strip())
        for session in sessions()
        for engine in (NAMES if session.takes_an_engine else [""])
    ],
)
def test_session(
    session: Session, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert session.commands
    carry_out(session, engine)


@pytest.mark.parametrize(
    "command",
    [
        Command("lrvm version", shown=["lrvm"]),
        Command("lrvm completion bash", shown=[]),
        Command("lrvm info", shown=["..."], code=1),
        Command("lrvm rnu", errors=["..."]),
        Command("lrvm rnu", errors=["... 'run'"], code=2),
        Command("lrvm info --json", entries={"exit_code": 1}),
    ],
    ids=lambda command: command.line,
)
def test_a_wrong_expectation_is_noticed(command: Command) -> None:
    """The sessions protect nothing if a mismatch went unseen."""
    with pytest.raises(AssertionError):
        check(command, "")
