"""`lrvm debug`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lrvm_jit import SnapshotError
from lrvm_jit.debug import Debugger, RecordingError, load_recording
from lrvm_jit.engines import ENGINES
from lrvm_jit.input_files import read_text

from .exit_codes import ExitCode
from .options import INPUT_FILE, InputError, Number, machine_options, traceback_option
from .report import print_error
from .run import open_machine

if TYPE_CHECKING:
    from ..debugging.dap import DapHost
    from ..debugging.gdb import StreamHost, WatchedHost
    from ..debugging.screen import ScreenHost
    from ..machines import Machine

_MIB: Final = 1 << 20
_STREAMS: Final = "-"
_NEEDS_TUI: Final = "the screen needs the extra `tui`: pip install 'lrvm-jit[tui]'"


@click.command(short_help="Debug a program: step, forward and back.")
@click.argument("file", type=INPUT_FILE, required=False, metavar="PROGRAM")
@machine_options("The machine to run on, see `lrvm info --toml`; PROGRAM goes to its open ROM.")
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
@click.option(
    "--replay",
    type=INPUT_FILE,
    metavar="FILE",
    help="Show the run that `lrvm run --record FILE` has recorded; no component is asked again.",
)
@click.option(
    "--dap", is_flag=True, help="Talk to an editor on standard input and output, by its protocol."
)
@click.option(
    "--gdb",
    metavar="[HOST:]PORT",
    help="Serve GDB and others that speak its remote protocol at this port, of this computer "
    "unless HOST is given; `-`: on standard input and output.",
)
@click.option("--tui", is_flag=True, help="Show source, registers and more on the whole screen.")
@click.option(
    "--serve",
    type=Number(),
    metavar="PORT",
    help="Show that screen to browsers of this computer at http://localhost:PORT.",
)
@traceback_option
@click.pass_context
def debug(ctx: click.Context, /, **options: Any) -> None:
    """Debug a program: LASM (*.lasm), an executable (ELF), Intel HEX (*.ihex) or a binary image.

    Commands are read from the terminal, one a line; `help` lists them. The machine starts reset,
    before its first instruction. With --batch the commands are those of -x and -ex, and the first
    that fails ends the session with exit code 2.

    \b
    Examples:
      lrvm debug hello.lasm
      lrvm debug hello.lasm --batch -ex "break loop" -ex run -ex "info registers"
      lrvm debug hello.lasm --batch -ex "run 1000" -ex "rstep 10" -ex "print cycles"
      lrvm debug --machine machine.toml -x session.txt
      lrvm debug hello.lasm --tui
      lrvm debug hello.lasm --gdb 1234
    """
    port = options.pop("serve")
    others = [name for name in ("batch", "tui", "dap", "gdb") if options[name]]
    others += ["serve"] if port is not None else []
    if len(others) > 1:
        raise click.UsageError(f"--{others[0]} goes without --{others[1]}")
    if port is not None:
        _serve(port)
    else:
        ctx.exit(_debug(**options))


def _serve(port: int) -> None:
    """Show the screen to browsers: each gets a session of its own, by a process of its own."""
    try:
        from textual_serve.server import Server
    except ImportError:
        raise InputError(_NEEDS_TUI) from None
    arguments = _without_serve(sys.argv[1:])
    command = [sys.executable, "-c", "from lrvm_tools.cli import main; main()", *arguments, "--tui"]
    try:
        Server(shlex.join(command), host="localhost", port=port, title="lrvm debug").serve()
    except (OSError, OverflowError) as error:
        raise InputError(f"cannot serve at port {port}: {error}") from None


def _without_serve(arguments: Sequence[str]) -> list[str]:
    """A command line without its option --serve."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if not skip and argument != "--serve" and not argument.startswith("--serve="):
            kept.append(argument)
        skip = argument == "--serve"
    return kept


def _debug(
    file: Path | None,
    machine_file: Path | None,
    allow_paths: tuple[Path, ...],
    batch: bool,
    command_files: tuple[Path, ...],
    command_lines: tuple[str, ...],
    history_mib: int,
    engine: str | None,
    tui: bool,
    dap: bool,
    gdb: str | None,
    replay: Path | None,
) -> ExitCode:
    from ..debugging import Quit, Terminal
    from ..debugging.dap import DapHost
    from ..debugging.gdb import StreamHost, WatchedHost
    from ..debugging.terminal import DebugHost

    host: DebugHost | ScreenHost | DapHost | StreamHost = DebugHost()
    if dap:
        host = DapHost()
    elif gdb is not None:
        host = StreamHost() if gdb == _STREAMS else WatchedHost()
    elif tui:
        try:
            from ..debugging.screen import DebuggerScreen, ScreenHost
        except ImportError:
            raise InputError(_NEEDS_TUI) from None
        host = ScreenHost()
    lines = [
        line for path in command_files for line in _read(path).splitlines() if line.strip()
    ] + list(command_lines)
    with (
        open_machine(file, machine_file, host, engine, allow_paths) as machine,
        _debugger(machine, history_mib * _MIB, replay) as debugger,
    ):
        if isinstance(host, DapHost):
            return _dap(debugger, host)
        if isinstance(host, StreamHost | WatchedHost):
            return _gdb(debugger, host, str(gdb), lines)
        if not isinstance(host, DebugHost):
            DebuggerScreen(debugger, host, lines).run()
            return ExitCode.SUCCESS
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


def _dap(debugger: Debugger, host: DapHost) -> ExitCode:
    from ..debugging.dap import DapSession, ProtocolError

    try:
        DapSession(debugger, host, sys.stdin.buffer, sys.stdout.buffer).serve()
    except ProtocolError as error:
        raise InputError(f"the editor's side of the protocol: {error}") from None
    return ExitCode.SUCCESS


def _gdb(
    debugger: Debugger, host: StreamHost | WatchedHost, where: str, lines: Sequence[str]
) -> ExitCode:
    from ..debugging import CommandError, Commands
    from ..debugging.gdb import GdbAddress, StreamHost, serve_socket, serve_streams

    commands = Commands(debugger)
    try:
        for line in lines:
            print_error(commands.execute(line))
    except CommandError as error:
        raise InputError(f"{line}: {error}") from None
    if isinstance(host, StreamHost):
        serve_streams(debugger, host, sys.stdin.buffer, sys.stdout.buffer)
        return ExitCode.SUCCESS
    try:
        serve_socket(debugger, host, GdbAddress.parse(where), print_error)
    except OSError as error:
        raise InputError(f"cannot serve at {where}: {error.strerror or error}") from None
    except ValueError as error:
        raise InputError(str(error)) from None
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return ExitCode.SUCCESS


def _debugger(machine: Machine, memory_limit: int, replay: Path | None) -> Debugger:
    """The debugger of a machine; it shows a recorded run, if there is one to replay."""
    try:
        recording = None if replay is None else load_recording(replay)
        return Debugger(
            machine.board, machine.program, memory_limit=memory_limit, recording=recording
        )
    except (RecordingError, SnapshotError) as error:
        raise InputError(f"{replay}: {error}") from None


def _read(path: Path) -> str:
    try:
        return read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from None
