"""`lrvm batch`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ..images import load_program
from .exit_codes import EXIT_CODES_HELP, ExitCode
from .options import INPUT_FILE, InputError, Number, json_option, traceback_option
from .report import can_animate, print_json

if TYPE_CHECKING:
    from lrvm_jit.batch import StreamResult

_OUTPUTS: Final = "a0,reason,cycles,exception"
_OUT_FILE: Final = click.Path(dir_okay=False, writable=True, path_type=Path)
_FOLDER: Final = click.Path(file_okay=False, path_type=Path)


@click.command(
    epilog=EXIT_CODES_HELP, short_help="Run a program on many machines at once, a row of data each."
)
@click.argument("program", type=INPUT_FILE)
@click.option(
    "--inputs",
    type=INPUT_FILE,
    metavar="FILE",
    help="What each machine starts with: .npy, .npz, .parquet or .arrow.",
)
@click.option("-n", "--lanes", type=Number(), metavar="N", help="Machines, if no inputs say so.")
@click.option(
    "--out",
    type=_OUT_FILE,
    metavar="FILE",
    help="Where the outputs go: .npz, .npy (one output), .parquet or .arrow.",
)
@click.option(
    "--outputs",
    default=_OUTPUTS,
    show_default=True,
    metavar="NAMES",
    help="What is kept of each machine: registers, ram[5], ram[0:4], ram, reason, cycles, "
    "exception, address.",
)
@click.option("--max-cycles", type=Number(), metavar="N", help="Instructions for each machine.")
@click.option("--halt-on-exception", is_flag=True, help="A machine ends at its first exception.")
@click.option(
    "--ram-size",
    type=Number(),
    default=4096,
    show_default=True,
    metavar="BYTES",
    help="RAM of each machine.",
)
@click.option("--threads", type=Number(), metavar="N", help="By default one for each CPU.")
@click.option("--chunk", type=Number(), metavar="N", help="Machines that are in memory at a time.")
@click.option(
    "--checkpoint",
    type=_FOLDER,
    metavar="FOLDER",
    help="Keep finished chunks there, and go on behind those that it has.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show no progress and no summary.")
@json_option
@traceback_option
@click.pass_context
def batch(
    ctx: click.Context,
    program: Path,
    inputs: Path | None,
    lanes: int | None,
    out: Path | None,
    outputs: str,
    max_cycles: int | None,
    halt_on_exception: bool,
    ram_size: int,
    threads: int | None,
    chunk: int | None,
    checkpoint: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run a program on many machines at once: LASM (*.lasm), Intel HEX (*.ihex) or a binary image.

    Each machine has the program in a ROM at address 0, and RAM behind it, at the next multiple of
    4096. The inputs are arrays with a row for each machine, named after what they go to: `a0`,
    `ram[5]`, `ram[0:4]` (words), `ram` (from its start on). The array of an .npy file is `a0`, or
    `ram` if it has two dimensions. The output file has arrays, or columns, with the names of the
    outputs; it appears when all is done.

    Ctrl-C ends the run, and the exit code is 130. What is done is in the file then, or beside an
    older one, in `out.interrupted.npz` for `out.npz`; if machines in between are not done, an array
    or column `lane` has the numbers of the rows' machines.

    \b
    Examples:
      lrvm batch sum.lasm --inputs in.npy --out out.npz
      lrvm batch sum.lasm -n 1000 --max-cycles 10_000 --json
      lrvm batch search.bin --inputs in.npz --outputs a0,ram[0:4] --out out.parquet
      lrvm batch long.lasm --inputs in.npy --out out.npz --checkpoint state
    """
    if inputs is None and lanes is None:
        raise click.UsageError("give --inputs FILE, or the number of machines: -n N")
    for given, value in (("--threads", threads), ("--chunk", chunk)):
        if value == 0:
            raise click.UsageError(f"{given} must be 1 or more")
    if out is not None and inputs is not None and out.exists() and out.samefile(inputs):
        raise InputError(f"{out} is the input itself; choose another output")
    try:
        image = load_program(program)
    except OSError as error:
        raise InputError(f"cannot read {program}: {error.strerror}") from None
    if image.executable is not None:
        raise InputError(
            f"{program} is an executable, whose machines have inputs and outputs of their own: in "
            "Python, Executable.load(...).run_batch(...) runs it"
        )
    # Imported here: it loads numba, which no other command may wait for.
    from lrvm_jit.batch import Batch, CheckpointError

    try:
        result = Batch.stream(
            image.words,
            lanes,
            None if inputs is None else str(inputs),
            outputs=[name.strip() for name in outputs.split(",") if name.strip()],
            out=_drop if out is None else str(out),
            max_cycles=max_cycles,
            halt_on_exception=halt_on_exception,
            ram_size=ram_size,
            threads=threads,
            chunk=chunk,
            checkpoint=checkpoint,
            progress=not quiet and not as_json and can_animate(sys.stderr),
        )
    except (ValueError, TypeError, OverflowError, CheckpointError, ImportError) as error:
        raise InputError(str(error)) from error
    except OSError as error:
        if error.errno is not None and not error.filename:  # of no file: of standard error
            raise
        place = f"{error.filename}: " if error.filename else ""
        raise InputError(f"{place}{error.strerror or error}") from error
    code = ExitCode.INTERRUPTED if result.interrupted else ExitCode.SUCCESS
    if as_json:
        print_json(_document(result, code))
    elif not quiet:
        _tell(result, checkpoint)
    ctx.exit(code)


def _drop(first: int, outputs: dict[str, Any]) -> None:
    """Only the summary is wanted."""


def _tell(result: StreamResult, checkpoint: Path | None) -> None:
    lines = [str(result)]
    if result.resumed:
        lines.append(f"{result.resumed:,} of {result.chunks:,} chunks were in the checkpoint")
    if result.file is not None:
        lines.append(f"outputs are in {result.file}")
    if result.interrupted and checkpoint is not None:
        lines.append("the same command goes on from here")
    for line in lines:
        click.echo(f"[lrvm] {line}", err=True)


def _document(result: StreamResult, code: ExitCode) -> dict[str, Any]:
    return {
        "lanes": result.n + result.partial,
        "reasons": {reason.name.lower(): count for reason, count in result.counts.items()},
        "instructions": result.instructions,
        "seconds": round(result.seconds, 6),
        "chunks": result.chunks,
        "resumed": result.resumed,
        "interrupted": result.interrupted,
        "out": None if result.file is None else str(result.file),
        "exit_code": int(code),
    }
