"""`python -m lrvm_jit.bench slices`."""

from __future__ import annotations

import json

import pytest

from lrvm_jit.bench import slices
from lrvm_jit.bench.__main__ import main


@pytest.mark.parametrize("guest", ["two words", "60", "2100"])
def test_guests_run_alike_on_both_engines(guest: str) -> None:
    """Flat guests too: their calls lead where their functions are."""
    seen = []
    for board in slices.boards(guest, ["interpreter", "translator"]):
        board.run(max_cycles=200_000)
        seen.append((list(board.cpu.regs), board.cpu.cycles))
    assert seen[0] == seen[1]
    # c1 counts the rounds of a flat guest.
    assert seen[0][0][9] > 2 or guest == "two words"


def test_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    row = slices.Row("one", (100.0, 100.0), (50.0, 400.0))
    assert str(row).split() == ["one", "100", "0.50", "0.50", "2.25", "2.25"]
    assert main(["slices", "two words", "-n", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["guest", "two"]
    assert main(["slices", "two words", "-n", "2", "--json", "--tier", "baseline"]) == 0
    [found] = json.loads(capsys.readouterr().out)
    assert found["guest"] == "two words"
    assert len(found["engine"]) == len(found["interpreter"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["same"], "unknown program 'same'"),
        (["9999"], "unknown program '9999'"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        slices.main(arguments)
    assert message in capsys.readouterr().err
