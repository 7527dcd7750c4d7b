"""docs/debugging.md: what its sessions show is what stands below them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from lrvm_tools.cli.app import cli

ROOT = Path(__file__).parents[2]


def test_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    sessions = re.findall(
        r"```console\n\$ lrvm ([^\n]*)\n```\n\n```text\n(.*?)```",
        (ROOT / "docs" / "debugging.md").read_text(),
        re.DOTALL,
    )
    assert len(sessions) == 3
    for command, shown in sessions:
        result = CliRunner().invoke(cli, shlex.split(command), prog_name="lrvm")
        assert (result.exit_code, result.stdout) == (0, shown)


def test_the_mended_program(tmp_path: Path) -> None:
    """What the page proposes leaves the total."""
    source = (ROOT / "examples" / "find_the_bug" / "total.lasm").read_text()
    mended = re.sub(r"if2 ZF, CF, CMP_OR .*", "if CF", source)
    assert mended != source
    (tmp_path / "total.lasm").write_text(mended)
    arguments = ["debug", str(tmp_path / "total.lasm"), "--batch", "-ex", "run", "-ex", "print a0"]
    assert "a0 = 100 (0x64)" in CliRunner().invoke(cli, arguments, prog_name="lrvm").stdout
