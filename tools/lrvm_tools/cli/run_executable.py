"""`lrvm run` for executables: a program as the shell knows programs."""

from __future__ import annotations

import io
import time
import traceback
from pathlib import Path
from typing import Any, Final

import click

from lrvm_jit import Stop, StopReason, Unmapped
from lrvm_jit.input_files import read_text

from ..executable import Executable, MachineDescription
from ..executable.elf_program import load_executable
from ..executable.fault import Fault, fault_of, where
from ..executable.process import build, host_of, status_of
from ..images import ImageError
from ..machines import Host, Machine, MachineError
from ..running import RunConfig, component_lines
from ..running import run as run_board
from .console import ConsoleHost, told_warnings
from .exit_codes import ExitCode
from .options import InputError, wants_traceback
from .raw_streams import raw_streams
from .recording import recording_to
from .report import print_error, print_json
from .run_options import RunOptions
from .stats import statistics_document, statistics_text

TOOL_FAILED: Final = 125
"""The exit code for errors of the tool, as that of other commands that run commands."""
LONGEST_LINE: Final = 200


def run_executable(ctx: click.Context, path: Path, options: RunOptions) -> int:
    """Run the program in an ELF file; the answer is the process's exit code."""
    try:
        return _run(path, options)
    except (ImageError, MachineError, InputError) as error:
        text = f"lrvm: error: {error}"
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        name = f"{error.filename}: " if error.filename else ""
        text = f"lrvm: error: {name}{error.strerror or error}"
    except Exception as error:
        if wants_traceback(ctx):
            traceback.print_exc()
        text = f"lrvm: internal error: {type(error).__name__}: {error}"
    if options.as_json:
        print_json({"error": text.partition("error: ")[2], "exit_code": TOOL_FAILED})
    else:
        print_error(text)
    return TOOL_FAILED


def _run(path: Path, options: RunOptions) -> int:
    executable = load_executable(path)
    host = ConsoleHost()
    host.arguments = (str(path), *options.arguments)
    host.folder, host.writable = options.files, options.writable
    out, err = io.BytesIO(), io.BytesIO()
    host.stdin, host.stdout, host.stderr = raw_streams()
    if options.as_json:
        host.stdout, host.stderr = out, err
    with _machine(executable, host, options) as machine, told_warnings(host):
        machine.board.unmapped = Unmapped.of(options.unmapped)
        if options.verbose:
            host.write("".join(f"{line}\n" for line in component_lines(machine.board)))
        report = _Report(executable, machine, host, options)
        with recording_to(options.record, machine.board, path):
            code = report.run()
        if options.as_json:
            print_json(report.document(code, out.getvalue(), err.getvalue()))
        return code


def _machine(executable: Executable, host: Host, options: RunOptions) -> Machine:
    description = executable.machine_description
    if options.machine_file is not None:
        description = MachineDescription.of_file(options.machine_file)
    if options.ram is not None:
        try:
            description = description.with_ram(options.ram)
        except ValueError as error:
            raise InputError(f"--ram: {error}") from None
    return build(executable, host, description=description, engine=options.engine)


class _Report:
    """A run, and what is said about it."""

    def __init__(
        self, executable: Executable, machine: Machine, host: ConsoleHost, options: RunOptions
    ) -> None:
        self._executable = executable
        self._board = machine.board
        self._host = host
        self._options = options
        self._stop: Stop | None = None
        self._fault: Fault | None = None
        self._seconds = 0.0

    def run(self) -> int:
        """Run; the answer is the exit code."""
        options, board = self._options, self._board
        config = RunConfig(
            cycle_limit=options.max_cycles,
            halt_on_exception=options.halt_on_exception,
            print_cycles=options.verbose,
            print_exceptions=options.verbose,
            print_finish=options.verbose,
        )
        began = time.perf_counter()
        try:
            self._stop = run_board(board, config, writer=self._host)
            code = self._ended(self._stop)
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
            self._say(f"interrupted{self._where(board.cpu.regs['pc'])}")
        finally:
            self._seconds = time.perf_counter() - began
            self._flush()
        if options.stats and not options.as_json:
            self._host.write(statistics_text(board.stats()))
        return code

    def _ended(self, stop: Stop) -> int:
        self._flush()
        self._fault = fault_of(self._executable, self._board, stop)
        if self._fault is not None:
            self._say(f"{self._fault}{_source_line(self._fault, self._executable)}")
        elif stop.reason is StopReason.UNMAPPED:
            self._say(f"{stop.unmapped}{self._where(stop.address)}")
        elif stop.reason is StopReason.BUDGET:
            limit = f"the limit of {self._options.max_cycles} cycles was reached"
            self._say(f"{limit}{self._where(stop.pc)}")
        return status_of(self._board, stop, self._fault)

    def _flush(self) -> None:
        """What the guest has put out comes before what is said about it."""
        component = host_of(self._board)
        if component is not None:
            component.flush()

    def _where(self, address: int) -> str:
        executable = self._executable
        return where(address, executable.function_at(address), executable.lines.locate(address))

    def _say(self, text: str) -> None:
        if not self._options.quiet and not self._options.as_json:
            self._host.write(f"lrvm: {text}\n")

    def document(self, code: int, output: bytes, errors: bytes) -> dict[str, Any]:
        """The run in JSON. Bytes that are no UTF-8 are replaced."""
        stop, fault, cpu = self._stop, self._fault, self._board.cpu
        document: dict[str, Any] = {
            "reason": "interrupted" if stop is None else str(stop.reason),
            "cycles": cpu.cycles,
            "pc": cpu.regs["pc"],
            "fault": None if fault is None else _fault_document(fault),
            "seconds": round(self._seconds, 6),
            "mips": round(cpu.cycles / max(self._seconds, 1e-9) / 1e6, 3),
            "engine": self._board.engine,
            "output": output.decode(errors="replace"),
            "errors": errors.decode(errors="replace"),
            "exit_code": int(code),
        }
        if self._options.stats:
            document["stats"] = statistics_document(self._board.stats())
        return document


def _fault_document(fault: Fault) -> dict[str, Any]:
    place = fault.place
    return {
        "message": fault.what,
        "code": fault.exception.code,
        "data": fault.exception.data,
        "address": fault.address,
        "function": fault.function,
        "source": place and {"path": place.path, "line": place.line, "column": place.column},
    }


def _source_line(fault: Fault, executable: Executable) -> str:
    """The line of the source, if it can be read, below what is said about it."""
    if fault.place is None:
        return ""
    try:
        source = read_text(Path(executable.folder, fault.place.path), "replace")
        line = source.splitlines()[fault.place.line - 1].strip()
    except (OSError, IndexError, ValueError):
        return ""
    if not line:
        return ""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return f"\n    {shown[:LONGEST_LINE]}"
