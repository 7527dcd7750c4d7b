"""`lrvm run`."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lrvm_jit import GuestException, Stop, Unmapped
from lrvm_jit.core.error_notes import add_note_once
from lrvm_jit.engines import ENGINES

from ..images import is_executable, load_program
from ..machines import Host, Machine, default_machine, load_machine
from ..running import PREFIX, RunConfig, component_lines
from ..running import run as run_board
from .console import CapturingHost, ConsoleHost, ShownOutput, told_warnings
from .exit_codes import EXIT_CODES_HELP, OF_REASON, ExitCode
from .options import (
    INPUT_FILE,
    InputError,
    Number,
    Size,
    json_option,
    machine_options,
    traceback_option,
)
from .progress import Progress
from .recording import recording_to
from .report import can_animate, print_json
from .run_options import RunOptions
from .stats import statistics_document, statistics_text

if TYPE_CHECKING:
    from ..executable import Executable

_SHOWN_REPETITIONS: Final = 10
"""Lines about one exception. A guest that raises it for ever must not flood the terminal."""
_WORTH_MENTIONING: Final = 1.0
"""Seconds that a run must take for its speed to be told."""


@click.command(epilog=EXIT_CODES_HELP, short_help="Run a program on a machine.")
@click.argument("file", type=INPUT_FILE, required=False)
@click.argument("arguments", nargs=-1, metavar="[-- ARGUMENTS...]")
@machine_options("The machine to run on, see `lrvm info --toml`; FILE goes to its open ROM.")
@click.option(
    "--max-cycles", type=Number(), metavar="N", help="Attempt at most so many instructions."
)
@click.option(
    "--halt-on-exception", is_flag=True, help="End the run at the first exception or interruption."
)
@click.option("-v", "--verbose", is_flag=True, help="Show the components and every cycle.")
@click.option("-q", "--quiet", is_flag=True, help="Show nothing but what the guest shows.")
@click.option(
    "--engine", type=click.Choice(ENGINES), help="What runs the CPU; all give the same results."
)
@click.option(
    "--unmapped",
    type=click.Choice([str(one) for one in Unmapped]),
    default="ignore",
    show_default=True,
    help="What becomes of accesses to addresses where nothing is mapped.",
)
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="OUT",
    help="Write down what comes from outside, for `lrvm debug --replay OUT`.",
)
@click.option(
    "--stats", is_flag=True, help="Tell what the engine did: translated, interpreted, and why."
)
@click.option(
    "--files",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="The guest may read the files below this folder, by the component Host.",
)
@click.option("--writable", is_flag=True, help="And change them.")
@click.option(
    "--ram", type=Size(), metavar="SIZE", help="RAM of a C program's machine, such as 64M."
)
@json_option
@traceback_option
@click.pass_context
def run(ctx: click.Context, /, **given: Any) -> None:
    """Run a program: an executable (ELF), LASM (*.lasm), Intel HEX (*.ihex) or a binary image.

    Without --machine it runs on the default machine, which `lrvm info` shows. The guest's text
    goes to standard output, exceptions and the finish line to standard error. --json reports
    on standard output instead, with the guest's text as `output`. Keyboards read standard input.

    An executable, as `lrvm cc` makes them, runs on the machine that it names, like any program of
    the shell: the standard streams are its own, and it ends with its own exit code. 134 says that
    an exception ended it, 124 the cycle limit, 125 that it could not be run.

    \b
    Examples:
      lrvm run hello.lasm
      lrvm run hello.bin --max-cycles 10_000_000 --halt-on-exception
      lrvm run --machine machine.toml --quiet
      lrvm run hello.lasm --json | jq .cycles
      lrvm run --quiet --stats hello.lasm
      lrvm run wc.elf -- -l < novel.txt
    """
    options = RunOptions(**given)
    if options.verbose and options.quiet:
        raise click.UsageError("--verbose and --quiet exclude each other")
    if options.writable and options.files is None:
        raise click.UsageError("--writable goes with --files DIR")
    if options.file is not None and is_executable(options.file):
        from .run_executable import run_executable

        ctx.exit(run_executable(ctx, options.file, options))
    if options.ram is not None:
        raise click.UsageError("--ram goes with executables; other machines are --machine's")
    ctx.exit(_run_program(options))


def _run_program(options: RunOptions) -> ExitCode:
    """Run what is no executable, on the machine that the options ask for."""
    file, machine_file, arguments = options.file, options.machine_file, options.arguments
    tells = not options.quiet and not options.as_json
    config = RunConfig(
        cycle_limit=options.max_cycles,
        halt_on_exception=options.halt_on_exception,
        print_cycles=options.verbose,
        print_exceptions=tells,
        repeated_exceptions=_SHOWN_REPETITIONS,
        print_finish=tells,
    )
    host = CapturingHost() if options.as_json else ConsoleHost()
    host.arguments = (str(file or machine_file or ""), *arguments)
    host.folder, host.writable = options.files, options.writable
    with open_machine(file, machine_file, host, options.engine, options.allow_paths) as machine:
        if (arguments or options.files) and "host" not in machine.types:
            raise click.UsageError("this machine has no component `host` for arguments and files")
        machine.board.unmapped = Unmapped.of(options.unmapped)
        if options.verbose:
            lines = component_lines(machine.board)
            lines += [f"=> Component {item.component:04} uses {item}" for item in machine.files]
            host.write("".join(f"{line}\n" for line in lines))
        with recording_to(options.record, machine.board, file):
            return _run(machine, config, host, options.stats)


def open_machine(
    file: Path | None,
    machine_file: Path | None,
    host: Host,
    engine: str | None,
    allow_paths: tuple[Path, ...] = (),
) -> Machine:
    """The machine that the arguments ask for. UsageError if they ask for none."""
    try:
        program = None if file is None else load_program(file)
        if program is not None and program.executable is not None:
            return _executable_machine(program.executable, machine_file, host, engine)
        if machine_file is not None:
            return load_machine(
                machine_file, program=program, host=host, engine=engine, allow_paths=allow_paths
            )
    except OSError as error:
        raise InputError(f"cannot read {error.filename}: {error.strerror}") from None
    if program is None:
        raise click.UsageError("name a FILE to run, or a --machine, or both")
    return default_machine(program, host=host, engine=engine)


def _executable_machine(
    executable: Executable, machine_file: Path | None, host: Host, engine: str | None
) -> Machine:
    """The machine of an executable; the tool shows its output, as it shows other guests' text."""
    from ..executable import MachineDescription
    from ..executable.process import build

    host.arguments = host.arguments or (executable.name,)
    host.stdout = host.stderr = ShownOutput(host)
    description = None if machine_file is None else MachineDescription.of_file(machine_file)
    return build(executable, host, description=description, engine=engine)


def _run(machine: Machine, config: RunConfig, host: ConsoleHost, stats: bool) -> ExitCode:
    board = machine.board
    began = time.perf_counter()
    first = board.stats().instructions
    stop: Stop | None = None
    try:
        with _progress(machine, config, host), told_warnings(host):
            stop = run_board(board, config, writer=host)
        code = OF_REASON[stop.reason]
    except KeyboardInterrupt:
        if config.print_finish:
            at = f"before address 0x{board.cpu.regs['pc']:08X}"
            host.write(f"{PREFIX} Cycle 0x{board.cpu.cycles:08X}: interrupted {at}\n")
        code = ExitCode.INTERRUPTED
    except Exception as error:
        place = _place(machine, board.cpu.regs["pc"])
        if place is not None:
            add_note_once(error, f"the instruction is that of {place[0]}:{place[1]}")
        raise
    seconds = time.perf_counter() - began
    # Not the CPU's counter: the guest can put that back.
    attempted = board.stats().instructions - first if stop is None else stop.attempted
    speed = attempted / seconds / 1e6
    if isinstance(host, CapturingHost):
        document = _document(machine, stop, code, seconds, speed, host.text)
        if stats:
            document["stats"] = statistics_document(board.stats())
        print_json(document)
        return code
    if config.print_finish and stop is not None and stop.exception is not None:
        _tell_place(machine, stop, host)
    if config.print_finish and seconds > _WORTH_MENTIONING and sys.stderr.isatty():
        host.write(f"{PREFIX} {seconds:.1f} seconds, {speed:,.1f} MIPS\n")
    if stats:
        host.write(statistics_text(board.stats()))
    return code


def _progress(
    machine: Machine, config: RunConfig, host: ConsoleHost
) -> AbstractContextManager[object]:
    if not can_animate(sys.stderr) or config.print_cycles or not config.print_finish:
        return nullcontext()
    host.progress = Progress(machine.board, config.cycle_limit, host.is_line_start)
    return host.progress


def _tell_place(machine: Machine, stop: Stop, host: ConsoleHost) -> None:
    """Point to the source line of the instruction that raised the exception."""
    place = _place(machine, stop.address)
    if place is not None:
        host.write(f"{PREFIX} Address 0x{stop.address:08X} is {place[0]}:{place[1]}\n")


def _place(machine: Machine, address: int) -> tuple[str, int] | None:
    """The source line at an address, if it is known: not where the MMU may move addresses."""
    if machine.program is None or machine.board.cpu.regs["mtt"]:
        return None
    return machine.program.locate(address)


def _document(
    machine: Machine, stop: Stop | None, code: ExitCode, seconds: float, speed: float, text: str
) -> dict[str, Any]:
    cpu = machine.board.cpu
    address = cpu.regs["pc"] if stop is None else stop.address
    place = _place(machine, address)
    return {
        "reason": "interrupted" if stop is None else str(stop.reason),
        "cycles": cpu.cycles,
        "address": address,
        "pc": cpu.regs["pc"],
        "source": None if place is None else {"path": place[0], "line": place[1]},
        "exception": None if stop is None else _exception(stop.exception),
        "advice": None if stop is None else stop.advice or None,
        "seconds": round(seconds, 6),
        "mips": round(speed, 3),
        "engine": machine.board.engine,
        "output": text,
        "exit_code": int(code),
    }


def _exception(exception: GuestException | None) -> dict[str, Any] | None:
    if exception is None:
        return None
    return {
        "mode": exception.mode,
        "code": exception.code,
        "data": exception.data,
        "message": str(exception),
    }
