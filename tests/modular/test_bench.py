"""`python -m lrvm_jit.bench modular`: its table and its JSON. No test here minds the speed."""

from __future__ import annotations

import json

import pytest

from lrvm_jit.bench import __main__ as command
from lrvm_jit.bench import modular


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modular, "THREAD_QUERIES", 20)
    monkeypatch.setattr(modular, "DIRECT_QUERIES", 200)


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["modular", "-n", "2", "--json"]) == 0
    rates = json.loads(capsys.readouterr().out)["queries"]
    assert {rate["name"] for rate in rates} >= {
        modular.BARE,
        "channel, 2 threads",
        "machine, threads",
        "machine, cooperative",
    }
    assert all(0 < rate["median"] <= rate["best"] for rate in rates)
    assert rates[0]["times_bare"] == 1


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["modular", "-n", "1"]) == 0
    assert "machine, cooperative" in capsys.readouterr().out


def test_no_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["modular", "-n", "0"])
    assert "it must be 1 or more" in capsys.readouterr().err
