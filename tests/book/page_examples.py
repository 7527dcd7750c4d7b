"""Carries out what stands on a page of the book, in this process, and compares it with the page.

    ```python           is executed, with what the page has executed before
    ```text             below it: what that prints
    ```lasm             is assembled; with `; expect:` lines it is run as well (tests.machine.guest)
    ```bytes            below it: what it assembles to, statement by statement
    ```error            below it: what the assembler says instead
    ```shell            `$ lrvm ...` and `$ python ...`, each with its output; `...` is anything
    <!-- file: NAME --> before a block: it is a file in the folder where commands run
    <!-- not run: WHY -->   before a block: it is only shown

`python -m tests.book.page_examples PAGE...` writes the outputs into the pages instead: for pages
that are being written, to be read afterwards.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import runpy
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from click.testing import CliRunner

from lrvm_tools.cli.app import cli
from lrvm_tools.lasm import AssemblyError, assemble_program
from tests.machine.guest import script_mistakes

_BLOCK = re.compile(
    r"^(?:<!-- (file|not run): (.*?) -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
_OUTPUTS = ("text", "bytes", "error")
_COMMAND = re.compile(
    r"(?:echo (?P<typed>.*?) \| )?(?P<program>lrvm|python) (?P<arguments>.*?)"
    r"(?: < (?P<stdin>\S+))?(?P<code> \|\| echo \"exit code \$\?\")?$"
)


@dataclass
class Block:
    """A block of code on a page: its language, its text, and where the text stands."""

    kind: str
    text: str
    span: tuple[int, int]
    file: str = ""
    skipped: bool = False


def blocks(page: str) -> list[Block]:
    """The blocks of a page, in order."""
    return [
        Block(
            match[3],
            match[4],
            match.span(4),
            match[2] if match[1] == "file" else "",
            match[1] == "not run",
        )
        for match in _BLOCK.finditer(page)
    ]


def listing(source: str) -> str:
    """What a program assembles to: address, bytes and statement, a line for each."""
    lines = []
    for item in assemble_program(source, "example.lasm").items:
        if item.data:
            data = item.data.hex(" ") if len(item.data) <= 8 else f"{item.data[:8].hex(' ')} ..."
            statement = re.sub(r"\s*;[^\"]*$", "", item.source).strip()
            lines.append(f"{item.address:04x}  {data:<28}{statement}".rstrip())
    return "\n".join(lines) + "\n"


def error(source: str) -> str:
    """What the assembler says about a program with mistakes. ValueError if it has none."""
    try:
        assemble_program(source, "example.lasm")
    except AssemblyError as failure:
        return f"{failure}\n"
    raise ValueError("the program assembles")


class Page:
    """A page of the book that is being carried out in a folder of its own."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.space: dict[str, object] = {"__name__": "__page__"}
        self.mistakes: list[str] = []
        self.outputs: list[tuple[tuple[int, int], str]] = []
        """Where an output stands, and what it is in truth."""

    def carry_out(self) -> None:
        """Everything on the page, from its top to its end, in the working folder."""
        found = blocks(self.text)
        for number, block in enumerate(found):
            if block.skipped:
                continue
            if block.file:
                path = Path(block.file)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text)
            after = found[number + 1] if number + 1 < len(found) else Block("", "", (0, 0))
            try:
                self._block(block, after)
            except Exception as failure:
                self.mistakes.append(f"{self.name}, {block.text.strip()[:60]!r}: {failure!r}")

    def _block(self, block: Block, after: Block) -> None:
        if block.kind == "shell":
            self._commands(block)
        elif block.kind == "lasm":
            self._program(block, after)
        elif block.kind == "python" and not block.file:
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(block.text, f"{self.name}: {block.text[:40]!r}", "exec"), self.space)
            if after.kind == "text" or out.getvalue():
                self._compare(after, out.getvalue())

    def _program(self, block: Block, after: Block) -> None:
        if after.kind == "error":
            self._compare(after, error(block.text))
            return
        if after.kind == "bytes":
            self._compare(after, listing(block.text))
        if re.search(r"^\s*; expect", block.text, re.MULTILINE):
            self.mistakes += [
                f"{self.name}: {mistake}" for mistake in script_mistakes(block.text, "interpreter")
            ]
        elif after.kind != "bytes":
            assemble_program(block.text, block.file or "example.lasm")

    def _compare(self, block: Block, truth: str) -> None:
        self.outputs.append((block.span, truth))
        pattern = re.escape(block.text).replace(r"\.\.\.", "(?s:.*)")
        if block.kind not in _OUTPUTS or not re.fullmatch(pattern, truth):
            self.mistakes.append(f"{self.name}: the page has\n{block.text}but it is\n{truth}")

    def _commands(self, block: Block) -> None:
        parts = []
        for command, _ in commands(block.text):
            parts.append(f"$ {command}\n{output_of(command)}")
        self._compare(Block("text", block.text, block.span), "".join(parts))


def commands(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a block, each with what stands below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def output_of(command: str) -> str:
    """What a command prints, both streams. ValueError for one that cannot be carried out here."""
    match = _COMMAND.fullmatch(command)
    if match is None:
        raise ValueError(f"not a command that pages may have: {command}")
    typed = "" if match["typed"] is None else " ".join(shlex.split(match["typed"])) + "\n"
    if match["stdin"]:
        typed = Path(match["stdin"]).read_text()
    arguments = shlex.split(match["arguments"])
    if match["program"] == "python":
        out = io.StringIO()
        with contextlib.redirect_stdout(out), mock.patch.object(sys, "argv", arguments):
            runpy.run_path(arguments[0], run_name="__main__")
        return out.getvalue()
    result = CliRunner().invoke(cli, arguments, input=typed, prog_name="lrvm")
    if bool(result.exit_code) != bool(match["code"]):
        raise ValueError(f"`{command}` ended with {result.exit_code}:\n{result.output}")
    return result.output + (f"exit code {result.exit_code}\n" if match["code"] else "")


def carried_out(name: str, text: str) -> Page:
    """A page after all of it has been carried out in a new folder."""
    page = Page(name, text)
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            page.carry_out()
        finally:
            os.chdir(before)
    return page


def main() -> None:
    """Write the outputs into the pages."""
    for name in sys.argv[1:]:
        path = Path(name)
        text = path.read_text()
        page = carried_out(name, text)
        for (start, end), truth in sorted(page.outputs, reverse=True):
            if end:
                text = text[:start] + truth + text[end:]
        path.write_text(text)
        left = carried_out(name, text).mistakes
        print(f"{name}: {len(blocks(text))} blocks", *left, sep="\n  ")


if __name__ == "__main__":
    main()
