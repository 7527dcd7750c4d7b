"""`lrvm trace`: recording, printing and comparing what a program executes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click
import numpy

from lrvm_jit import Stop
from lrvm_jit.debug import ProgramInfo
from lrvm_jit.debug.trace_file import (
    Rows,
    TraceError,
    TraceWriter,
    read_trace,
    row_dicts,
    trace_source,
)
from lrvm_jit.debug.tracer import tracing
from lrvm_jit.isa import format_word

from ..images import load_program
from ..running import PREFIX
from .console import ConsoleHost
from .exit_codes import OF_REASON, ExitCode
from .options import INPUT_FILE, InputError, Number, machine_options, traceback_option
from .run import open_machine

_CONTEXT: Final = 5
"""Rows shown before a difference."""


class _Trace(click.Group):
    """`lrvm trace PROGRAM` is `lrvm trace record PROGRAM`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["record", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Trace, short_help="Record what a program executes, and compare runs.")
def trace() -> None:
    """Record what a program executes, one row for each instruction.

    \b
      lrvm trace PROGRAM -o OUT    run a program and write a trace: *.parquet or *.jsonl
      lrvm trace print TRACE       show rows, all or chosen ones
      lrvm trace diff A B          show where two runs begin to differ

    The columns are cycle, pc, word, register, value, address, stored.

    \b
    Examples:
      lrvm trace hello.lasm -o hello.parquet
      lrvm trace hello.lasm -o hello.jsonl --max-cycles 1000
      lrvm trace print hello.parquet --from 10 --to 20
      lrvm trace print hello.parquet --address 0x10000
      lrvm trace diff before.parquet after.parquet
    """


@trace.command("record", hidden=True)
@click.argument("file", type=INPUT_FILE, required=False, metavar="PROGRAM")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="OUT",
    help="The trace: *.parquet (with the extra `arrow`) or *.jsonl.",
)
@machine_options("The machine to run on, see `lrvm info --toml`.")
@click.option(
    "--max-cycles", type=Number(), metavar="N", help="Attempt at most so many instructions."
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing about the run.")
@traceback_option
@click.pass_context
def record(
    ctx: click.Context,
    file: Path | None,
    output: Path,
    machine_file: Path | None,
    allow_paths: tuple[Path, ...],
    max_cycles: int | None,
    quiet: bool,
) -> None:
    """Run a program and write what it executes. The exit code is that of `lrvm run`."""
    if file is not None and output.exists() and output.samefile(file):
        raise InputError(f"{output} is the program itself; choose another output")
    host = ConsoleHost()
    with open_machine(file, machine_file, host, "interpreter", allow_paths) as machine:
        try:
            writer = TraceWriter(output, ProgramInfo(machine.program))
        except (TraceError, ImportError) as error:
            raise InputError(str(error)) from None
        except OSError as error:
            raise InputError(f"cannot write {output}: {error.strerror}") from None
        began = time.perf_counter()
        stop: Stop | None = None
        try:
            # What was executed until Ctrl-C is a trace as well.
            with writer, tracing(machine.board, writer.write), suppress(KeyboardInterrupt):
                stop = machine.board.run(max_cycles)
        except OSError as error:
            raise InputError(f"cannot write {output}: {error.strerror}") from None
        seconds = time.perf_counter() - began
    if not quiet:
        why = "interrupted" if stop is None else str(stop.reason)
        rate = writer.rows / seconds / 1e6
        host.write(
            f"{PREFIX} {why}: {writer.rows:,} instructions in {output}, {rate:.1f} million "
            "a second\n"
        )
    ctx.exit(ExitCode.INTERRUPTED if stop is None else OF_REASON[stop.reason])


@trace.command("print")
@click.argument("path", type=INPUT_FILE, metavar="TRACE")
@click.option("--from", "first", type=Number(), metavar="CYCLE", help="From this cycle on.")
@click.option("--to", "last", type=Number(), metavar="CYCLE", help="Up to this cycle.")
@click.option("--pc", "at", type=Number(), metavar="ADDRESS", help="Only this instruction.")
@click.option("--address", type=Number(), metavar="ADDRESS", help="Only accesses to this word.")
@click.option("--stores", is_flag=True, help="Only stores.")
@click.option("--register", metavar="NAME", help="Only writes of this register.")
@click.option(
    "--program", type=INPUT_FILE, metavar="FILE", help="Where the source lines come from."
)
@traceback_option
def print_trace(path: Path, program: Path | None, **chosen: Any) -> None:
    """Show rows of a trace, with disassembly and source."""
    source = _source(path, program)
    shown = 0
    for rows in _read(path):
        for row in row_dicts(_filtered(rows, **chosen)):
            click.echo(_line(row, source))
            shown += 1
    if not shown:
        click.echo("no such rows", err=True)


def _filtered(
    rows: Rows,
    first: int | None,
    last: int | None,
    at: int | None,
    address: int | None,
    stores: bool,
    register: str | None,
) -> Rows:
    keep = numpy.ones(rows.shape[1], bool)
    if first is not None:
        keep &= rows[0] >= first
    if last is not None:
        keep &= rows[0] <= last
    if at is not None:
        keep &= rows[1] == at
    if address is not None:
        keep &= rows[5] == address
    if stores:
        keep &= rows[6] >= 0
    if register is not None:
        from lrvm_jit.isa.table import REGISTER_NAMES

        if register.lower() not in REGISTER_NAMES:
            raise InputError(f"there is no register {register!r}")
        keep &= rows[3] == REGISTER_NAMES.index(register.lower())
    return rows[:, keep]


@trace.command("diff")
@click.argument("one", type=INPUT_FILE, metavar="A")
@click.argument("other", type=INPUT_FILE, metavar="B")
@click.option("--from", "first", type=Number(), metavar="CYCLE", help="From this cycle on.")
@click.option("--to", "last", type=Number(), metavar="CYCLE", help="Up to this cycle.")
@click.option(
    "--program", type=INPUT_FILE, metavar="FILE", help="Where the source lines come from."
)
@traceback_option
@click.pass_context
def diff(
    ctx: click.Context,
    one: Path,
    other: Path,
    first: int | None,
    last: int | None,
    program: Path | None,
) -> None:
    """Show the first difference of two traces. Exit code 6 if there is one."""
    sources = _source(one, program), _source(other, program)
    before: list[dict[str, Any]] = []
    pieces = _pairs(_ranged(one, first, last), _ranged(other, first, last))
    for a, b in pieces:
        count = min(a.shape[1], b.shape[1])
        differing = numpy.flatnonzero((a[:, :count] != b[:, :count]).any(axis=0))
        at = int(differing[0]) if len(differing) else count
        before = (before + list(row_dicts(a[:, max(0, at - _CONTEXT) : at])))[-_CONTEXT:]
        if at < count or a.shape[1] != b.shape[1]:
            for row in before:
                click.echo(f"  {_line(row, sources[0])}")
            for mark, rows, source, path in (
                ("-", a, sources[0], one),
                ("+", b, sources[1], other),
            ):
                found = list(row_dicts(rows[:, at : at + 1]))
                text = _line(found[0], source) if found else f"{path} ends here"
                click.echo(f"{mark} {text}")
            ctx.exit(ExitCode.DIFFERENT)
    click.echo("the traces are equal")


def _ranged(path: Path, first: int | None, last: int | None) -> Iterator[Rows]:
    for rows in _read(path):
        chosen = _filtered(rows, first, last, None, None, False, None)
        if chosen.shape[1]:
            yield chosen


def _pairs(one: Iterator[Rows], other: Iterator[Rows]) -> Iterator[tuple[Rows, Rows]]:
    """Pieces of equal length, but for what one of them has more at its end."""
    empty = numpy.empty((7, 0), numpy.int64)
    a, b = empty, empty
    while True:
        a = a if a.shape[1] else next(one, empty)
        b = b if b.shape[1] else next(other, empty)
        if not a.shape[1] and not b.shape[1]:
            return
        if not a.shape[1] or not b.shape[1]:
            yield a, b
            return
        count = min(a.shape[1], b.shape[1])
        yield a[:, :count], b[:, :count]
        a, b = a[:, count:], b[:, count:]


def _read(path: Path) -> Iterator[Rows]:
    try:
        yield from read_trace(path)
    except (TraceError, ImportError) as error:
        raise InputError(str(error)) from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None


def _source(path: Path, program: Path | None) -> dict[int, str]:
    try:
        if program is None:
            return trace_source(path)
        info = ProgramInfo(load_program(program))
    except (TraceError, ImportError) as error:
        raise InputError(str(error)) from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    return {
        address: f"{place}  {(info.source_line(place) or '').strip()}"
        for address, place in info.lines.items()
    }


def _line(row: dict[str, Any], source: dict[int, str]) -> str:
    parts = [f"{row['cycle']:>10}  0x{row['pc']:08X}  {format_word(row['word']):28}"]
    changes = []
    if row["register"] is not None:
        changes.append(f"{row['register']} = 0x{row['value']:08X}")
    if row["address"] is not None:
        arrow = "" if row["stored"] is None else f" = 0x{row['stored']:08X}"
        changes.append(f"[0x{row['address']:08X}]{arrow}")
    parts.append(f"{', '.join(changes):36}")
    text = source.get(row["pc"])
    if text:
        parts.append(f"; {text}")
    return " ".join(parts).rstrip()
