"""Sessions of the command in text files: what is typed, and what the terminal shows.

A session starts with a line `;;; title`; lines `;;; + name` and what follows them are its files,
or those of all sessions of a text if they stand before the first one. Then each line `$ lrvm ...`
is carried out, in this process; the lines after it are what is expected of it, whole and in order:

- `< text`: a line of its standard input, which comes first;
- `! text`: a line on standard error;
- `: path = value`: an entry of the JSON document on standard output, such as `: source.line = 2`;
- `= code`: the exit code, if it is not 0;
- any other line is one on standard output.

`...` stands for any text in a line, and alone for any lines. A session that names ENGINE is
carried out with each engine. `$ ls` and `$ cat name` are there as well.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from lrvm_tools.cli.app import cli

FOLDER = Path(__file__).with_name("sessions")


@dataclass
class Command:
    """A command, and what is expected of it."""

    line: str
    inputs: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    entries: dict[str, Any] = field(default_factory=dict)
    code: int = 0

    def add(self, line: str) -> None:
        """Take a line that follows it."""
        kind, rest = line[:2], line[2:]
        if kind == "< ":
            self.inputs.append(rest)
        elif line == "!" or kind == "! ":
            self.errors.append(rest)
        elif kind == ": ":
            path, _, value = rest.partition(" = ")
            self.entries[path] = json.loads(value)
        elif re.fullmatch(r"= \d+", line):
            self.code = int(rest)
        else:
            self.shown.append(line)


@dataclass
class Session:
    name: str
    files: dict[str, list[str]] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)

    @property
    def takes_an_engine(self) -> bool:
        return any("ENGINE" in command.line for command in self.commands)


def sessions() -> Iterator[Session]:
    """All sessions of all files."""
    for path in sorted(FOLDER.glob("*.txt")):
        common = session = Session(path.stem)
        file: list[str] | None = None
        for line in path.read_text().splitlines():
            if line.startswith(";;; + "):
                file = session.files[line[6:]] = []
            elif line.startswith(";;; "):
                if session is not common:
                    yield session
                session, file = Session(f"{path.stem}: {line[4:]}", dict(common.files)), None
            elif line.startswith("$ "):
                session.commands.append(Command(line[2:]))
                file = None
            elif file is not None:
                file.append(line)
            elif session.commands:
                session.commands[-1].add(line)
        yield session


def carry_out(session: Session, engine: str = "") -> None:
    """Do all of a session in the working folder."""
    for name, lines in session.files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("".join(f"{line}\n" for line in lines))
    for command in session.commands:
        check(command, engine)


def check(command: Command, engine: str) -> None:
    """Carry out a command, and compare."""
    program, *arguments = shlex.split(command.line.replace("ENGINE", engine))
    code, shown, errors = 0, "", ""
    if program == "ls":
        shown = "".join(f"{path}\n" for path in sorted(Path().iterdir()))
    elif program == "cat":
        shown = Path(arguments[0]).read_text()
    else:
        assert program == "lrvm", command.line
        text = "".join(f"{line}\n" for line in command.inputs)
        result = CliRunner().invoke(cli, arguments, input=text, prog_name="lrvm")
        code, shown, errors = result.exit_code, result.stdout, result.stderr
        assert "\x1b" not in shown + errors, "escape codes without a terminal"
    if command.entries:
        document = json.loads(shown)
        assert document["exit_code"] == code
        found = {path: look_up(document, path) for path in command.entries}
        assert found == command.entries, f"$ {command.line}: {found}"
        shown = ""
    compare(f"$ {command.line}: standard error", errors, command.errors)
    compare(f"$ {command.line}: standard output", shown, command.shown)
    assert code == command.code, f"$ {command.line}: exit code {code}"


def look_up(document: Any, path: str) -> Any:
    """`a.0.b` of a document; the number of elements for `a.length`."""
    for name in path.split("."):
        if isinstance(document, list):
            document = len(document) if name == "length" else document[int(name)]
        else:
            document = document[name]
    return document


def compare(title: str, text: str, expected: list[str]) -> None:
    """Whether a text is what is expected, lines with `...` in some."""
    patterns = (
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n"
        for line in expected
    )
    text += "\n" * (text != "" and not text.endswith("\n"))
    if re.fullmatch("".join(patterns), text) is None:
        raise AssertionError(f"{title} is\n{text}\nand not\n" + "\n".join(expected))
