"""`lrvm debug`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from lrvm_jit.debug import Debugger
from lrvm_jit.engines import ENGINES
from lrvm_jit.input_files import read_text

from .exit_codes import ExitCode
from .options import INPUT_FILE, InputError, Number, allow_path_option, traceback_option
from .report import print_error
from .run import open_machine

_MIB: Final = 1 << 20


@click.command(short_help="Debug a program: step, forward and back.")
@click.argument("file", type=INPUT_FILE, required=False, metavar="PROGRAM")
@click.option(
    "--machine",
    "machine_file",
    type=INPUT_FILE,
    metavar="FILE",
    help="The machine to run on, see `lrvm info --toml`; PROGRAM goes to its open ROM.",
)
@allow_path_option
@click.option("--batch", is_flag=True, help="Leave after the commands of -x and -ex.")
@click.option(
    "-x",
    "command_files",
    type=INPUT_FILE,
    multiple=True,
    metavar="FILE",
    help="Carry out the commands in a file, one a line. May be repeated.",
)
@click.option(
    "-ex",
    "command_lines",
    multiple=True,
    metavar="COMMAND",
    help="Carry out a command, after those in files. May be repeated.",
)
@click.option(
    "--history",
    "history_mib",
    type=Number(),
    default=256,
    show_default=True,
    metavar="MIB",
    help="The most memory for going back; the oldest is forgotten first.",
)
@click.option("--engine", type=click.Choice(ENGINES), help="What runs the CPU.")
@traceback_option
@click.pass_context
def debug(ctx: click.Context, /, **options: Any) -> None:
    """Debug a program: LASM (*.lasm), Intel HEX (*.ihex) or a binary image.

    Commands are read from the terminal, one a line; `help` lists them. The machine starts reset,
    before its first instruction. With --batch the commands are those of -x and -ex, and the first
    that fails ends the session with exit code 2.

    \b
    Examples:
      lrvm debug hello.lasm
      lrvm debug hello.lasm --batch -ex "break loop" -ex run -ex "info registers"
      lrvm debug hello.lasm --batch -ex "run 1000" -ex "rstep 10" -ex "print cycles"
      lrvm debug --machine machine.toml -x session.txt
    """
    ctx.exit(_debug(**options))


def _debug(
    file: Path | None,
    machine_file: Path | None,
    allow_paths: tuple[Path, ...],
    batch: bool,
    command_files: tuple[Path, ...],
    command_lines: tuple[str, ...],
    history_mib: int,
    engine: str | None,
) -> ExitCode:
    from ..debugging import Quit, Terminal
    from ..debugging.terminal import DebugHost

    host = DebugHost()
    lines = [
        line for path in command_files for line in _read(path).splitlines() if line.strip()
    ] + list(command_lines)
    with (
        open_machine(file, machine_file, host, engine, allow_paths) as machine,
        Debugger(machine.board, machine.program, memory_limit=history_mib * _MIB) as debugger,
    ):
        terminal = Terminal(debugger, host)
        try:
            mistake = terminal.batch(lines)
            if mistake is not None:
                print_error(f"lrvm: error: {mistake}")
                if batch:
                    return ExitCode.BAD_INPUT
            if not batch:
                terminal.interact()
        except Quit:
            pass
    return ExitCode.SUCCESS


def _read(path: Path) -> str:
    try:
        return read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from None
