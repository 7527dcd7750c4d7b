"""`lrvm batch`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ..images import Image, load_program
from ..machines import default_machine, load_machine
from .exit_codes import EXIT_CODES_HELP, ExitCode
from .options import (
    INPUT_FILE,
    InputError,
    Number,
    Size,
    json_option,
    machine_options,
    traceback_option,
)
from .report import can_animate, print_json

if TYPE_CHECKING:
    from lrvm_jit.batch import StreamResult

_OUTPUTS: Final = "a0,reason,cycles,exception"
_OUTPUT_LIMIT: Final = 1_000_000
_TEXT: Final = "text"
_TEXTS: Final = ".jsonl"
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
@click.option(
    "--input-texts",
    type=INPUT_FILE,
    metavar="FILE",
    help="What each machine's keyboards read: JSON lines, one string for each machine.",
)
@click.option("-n", "--lanes", type=Number(), metavar="N", help="Machines, if no inputs say so.")
@click.option(
    "--out",
    type=_OUT_FILE,
    metavar="FILE",
    help="Where the outputs go: .npz, .npy (one output), .parquet or .arrow.",
)
@click.option(
    "--output-texts",
    type=_OUT_FILE,
    metavar="FILE",
    help="Where the texts of the displays go: JSON lines, one string for each machine.",
)
@click.option(
    "--output-limit",
    type=Number(),
    default=_OUTPUT_LIMIT,
    show_default=True,
    metavar="N",
    help="Characters that a machine may write; behind them its displays refuse.",
)
@click.option(
    "--outputs",
    default=_OUTPUTS,
    show_default=True,
    metavar="NAMES",
    help="What is kept of each machine: registers, ram[5], ram[0:4], ram, reason, cycles, "
    "exception, address, text.",
)
@click.option("--max-cycles", type=Number(), metavar="N", help="Instructions for each machine.")
@click.option("--halt-on-exception", is_flag=True, help="A machine ends at its first exception.")
@click.option(
    "--ram-size",
    type=Size(),
    metavar="SIZE",
    help="RAM of each machine; 4096 by default, or what its kind of machine has.",
)
@machine_options(
    "The machine that each of them is, see `lrvm info --toml`; PROGRAM goes to its open ROM."
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
    input_texts: Path | None,
    lanes: int | None,
    out: Path | None,
    output_texts: Path | None,
    output_limit: int,
    outputs: str,
    max_cycles: int | None,
    halt_on_exception: bool,
    ram_size: int | None,
    machine_file: Path | None,
    allow_paths: tuple[Path, ...],
    threads: int | None,
    chunk: int | None,
    checkpoint: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run a program on many machines at once: an executable (ELF), LASM (*.lasm), Intel HEX
    (*.ihex) or a binary image.

    Each machine has the program in a ROM at address 0, and RAM behind it, at the next multiple of
    4096. With --input-texts or --output-texts it is the default machine instead, which `lrvm info`
    shows, and with --machine that of a machine file: each has a display and a keyboard of its
    own. An executable has the machine that it names, and standard streams.

    The inputs are arrays with a row for each machine, named after what they go to: `a0`,
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
      lrvm batch answer.lasm --input-texts cases.jsonl --output-texts answers.jsonl
    """
    if inputs is None and input_texts is None and lanes is None:
        raise click.UsageError(
            "give --inputs FILE, --input-texts FILE, or the number of machines: -n N"
        )
    for given, value in (("--threads", threads), ("--chunk", chunk)):
        if value == 0:
            raise click.UsageError(f"{given} must be 1 or more")
    for output in (out, output_texts):
        for source in (program, inputs, input_texts, machine_file):
            if output and source and output.exists() and output.samefile(source):
                raise InputError(f"{output} is an input itself; choose another output")
    if output_texts is not None and output_texts.suffix.lower() != _TEXTS:
        raise click.UsageError(
            f"--output-texts {output_texts}: the file's name must end in {_TEXTS}"
        )
    if input_texts is not None and input_texts.suffix.lower() != _TEXTS:
        raise click.UsageError(f"--input-texts {input_texts}: the file's name must end in {_TEXTS}")
    if out is not None and output_texts is not None and out.resolve() == output_texts.resolve():
        raise click.UsageError(f"--out and --output-texts are both {out}; choose two files")
    try:
        image = load_program(program)
    except OSError as error:
        raise InputError(f"cannot read {program}: {error.strerror}") from None
    # Imported here: it loads numba, which no other command may wait for.
    from lrvm_jit.batch import Batch, CheckpointError

    names = [name.strip() for name in outputs.split(",") if name.strip()]
    files = [str(path) for path in (out, output_texts) if path is not None]
    if output_texts is not None:
        names = [*(names if out is not None else []), *([] if _TEXT in names and out else [_TEXT])]
    has_texts = input_texts is not None or _TEXT in names
    try:
        template, components = _machines(
            ctx, image, machine_file, allow_paths, has_texts, output_limit, ram_size
        )
        result = Batch.stream(
            template,
            lanes,
            None if inputs is None else str(inputs),
            texts=None if input_texts is None else str(input_texts),
            outputs=names,
            out=files or _drop,
            components=components,
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


def _machines(
    ctx: click.Context,
    image: Image,
    machine_file: Path | None,
    allow_paths: tuple[Path, ...],
    has_texts: bool,
    limit: int,
    ram_size: int | None,
) -> tuple[Any, Any]:
    """The program or template of a batch, and its components. The template is closed at the end of
    the command."""
    if image.executable is None and machine_file is None and not has_texts:
        return image.words, ()
    if image.executable is not None and machine_file is not None:
        raise InputError(f"{image.path} is an executable, which names its machine itself")
    if machine_file is not None and ram_size is not None:
        raise click.UsageError("--ram-size goes without --machine, whose file says how large it is")
    from ..machines.lanes import lane_components

    if image.executable is not None:
        from ..executable.process_batch import template_machine

        machine = template_machine(image.executable, ram_size)
    elif machine_file is None:
        machine = default_machine(image, ram_size=ram_size, engine="interpreter")
    else:
        try:
            machine = load_machine(
                machine_file, program=image, engine="interpreter", allow_paths=allow_paths
            )
        except OSError as error:
            raise InputError(f"cannot read {error.filename}: {error.strerror}") from None
    ctx.with_resource(machine)
    return machine.board, lane_components(machine, limit, [Path(image.path).name])


def _drop(first: int, outputs: dict[str, Any]) -> None:
    """Only the summary is wanted."""


def _tell(result: StreamResult, checkpoint: Path | None) -> None:
    lines = [str(result)]
    if result.resumed:
        lines.append(f"{result.resumed:,} of {result.chunks:,} chunks were in the checkpoint")
    if result.files:
        lines.append(f"outputs are in {' and '.join(map(str, result.files))}")
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
        "files": [str(file) for file in result.files],
        "exit_code": int(code),
    }
