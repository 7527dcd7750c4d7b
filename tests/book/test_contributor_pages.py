"""What the pages on adding an engine and a command say is done, and works."""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from unittest import mock

import pytest
from click.testing import CliRunner

from lrvm_components import BootRom
from lrvm_jit import Motherboard
from lrvm_tools.lasm import assemble
from tests.book.page_examples import blocks
from tests.machine.guest import script_mistakes

ROOT = Path(__file__).parents[2]
INTERNALS = ROOT / "docs" / "internals"
SCRIPTS = sorted((ROOT / "tests" / "machine" / "guest").glob("*.lasm"))


def module(name: str, source: str, path: Path) -> ModuleType:
    """A module made of a source, which imports as one of that name does."""
    package = path.name == "__init__.py"
    spec = spec_from_loader(name, loader=None, origin=str(path), is_package=package)
    assert spec is not None
    made = module_from_spec(spec)
    made.__file__ = str(path)
    with mock.patch.dict(sys.modules, {name: made}):
        exec(compile(source, str(path), "exec"), made.__dict__)
    return made


def patched(page: str, path: str) -> str:
    """A file of the project with the page's changes made."""
    source = (ROOT / path).read_text(encoding="utf-8")
    changes = re.findall(rf"```diff\n--- {re.escape(path)}\n(.*?)```", page, re.DOTALL)
    assert changes
    for change in changes:
        lines = change.splitlines()
        old = "\n".join(line[1:] for line in lines if line[:1] != "+")
        new = "\n".join(line[1:] for line in lines if line[:1] != "-")
        assert source.count(old) == 1, f"{path} has this {source.count(old)} times:\n{old}"
        source = source.replace(old, new)
    return source


def files(page: str) -> dict[str, str]:
    return {block.file: block.text for block in blocks(page) if block.file}


def test_adding_an_engine() -> None:
    """The page's engine is found by its name, and does what all engines do."""
    page = (INTERNALS / "adding-an-engine.md").read_text(encoding="utf-8")
    ((path, source),) = files(page).items()
    name = "lrvm_jit.engines.counting"
    engine = module(name, source, ROOT / path)
    init = "lrvm_jit/engines/__init__.py"
    with mock.patch.dict(sys.modules, {name: engine}):
        engines = module("lrvm_jit.engines", patched(page, init), ROOT / init)
        assert "counting" in engines.ENGINES
        with mock.patch("lrvm_jit.machine.motherboard.make_engine", engines.make_engine):
            with Motherboard([BootRom(assemble("cpy a0, 5\nhalt"))], engine="counting") as board:
                board.map_contiguous(0)
                board.reset()
                assert board.run().cycles == 2
                assert board.stats().engine == "counting"
            mistakes = {
                script.name: found
                for script in SCRIPTS
                if (found := script_mistakes(script.read_text(), "counting"))
            }
    assert len(SCRIPTS) > 20
    assert mistakes == {}


def test_adding_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (INTERNALS / "adding-a-command.md").read_text(encoding="utf-8")
    ((path, source),) = files(page).items()
    name = "lrvm_tools.cli.words"
    command = module(name, source, ROOT / path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "three.lasm").write_text("cpy a0, 1\ncpy a1, 2\nhalt\n")
    app = "tools/lrvm_tools/cli/app.py"
    with mock.patch.dict(sys.modules, {name: command}):
        cli = module("lrvm_tools.cli.app", patched(page, app), ROOT / app).cli
    assert CliRunner().invoke(cli, ["words", "three.lasm"]).output == "3\n"
    assert CliRunner().invoke(cli, ["words", "missing.lasm"]).exit_code == 2
    assert "words" in CliRunner().invoke(cli, ["--help"]).output
