"""Mistakes of users, in every command: what is said about them, and that nothing else happens."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy
import pytest

from tests.tools.command import lrvm
from tests.tools.test_cli_native import PROGRAM

TABLE = Path(__file__).with_name("mistakes.txt")
ROWS = [line.split("=>") for line in TABLE.read_text().splitlines() if "=>" in line]

FILE_MACHINE = """\
[[component]]
type = "rom"
size = 0x1000
[[component]]
type = "file"
path = "data"
writable = true
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the table names."""
    folder = tmp_path_factory.mktemp("mistakes")
    for name, text in {
        "hello.lasm": "cpy a0, 1\nhalt\n",
        "wrong.lasm": "    cpy a0, missing\n    nop\n",
        "native.lasm": PROGRAM,
        "keys.lasm": "cpy ac0, 0xf7fc\nwsa ac0, 0, 0xaa\nhalt\n",
        "bad.toml": "speed = 3",
        "file.toml": FILE_MACHINE,
        "in.jsonl": '"a"\n"b"\n"c"\n',
        "cut.jsonl": '"a"\n"b',
        "number.jsonl": '"a"\n7\n',
        "surrogate.jsonl": '"\\ud800"\n',
    }.items():
        (folder / name).write_text(text)
    for name, content in {
        "odd.bin": b"abc",
        "data": bytes(64),
        "broken.npy": b"\x93NUMPY\x01\x00v\x00 rubbish",
        "bad.parquet": b"PAR1",
    }.items():
        (folder / name).write_bytes(content)
    numpy.save(folder / "in.npy", numpy.arange(100))
    numpy.save(folder / "half.npy", numpy.array([0.5]))
    assert lrvm("trace", folder / "hello.lasm", "-o", folder / "trace.jsonl").exit_code == 0
    record = lrvm("run", folder / "keys.lasm", "-q", "--record", folder / "k.rec", stdin="hello\n")
    assert record.exit_code == 0
    (folder / "cut.rec").write_bytes((folder / "k.rec").read_bytes()[:20])
    return folder


@pytest.mark.parametrize(("command", "message"), ROWS, ids=[row[0].strip() for row in ROWS])
def test_mistake(command: str, message: str, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, a message on standard error without a traceback, no file made or changed."""
    monkeypatch.chdir(files)
    before = {path.name: path.read_bytes() for path in files.iterdir()}
    result = lrvm(*shlex.split(command))
    assert (result.exit_code, result.stdout) == (2, "")
    assert message.strip() in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert {path.name: path.read_bytes() for path in files.iterdir()} == before
