"""`lrvm profile`."""

from __future__ import annotations

from pathlib import Path

import click

from lrvm_jit import Stop
from lrvm_jit.debug import ProgramInfo
from lrvm_jit.debug.profile_formats import (
    annotated,
    covered,
    documented,
    flame_graph,
    pprof,
    speedscope,
    table,
)
from lrvm_jit.debug.profiler import Coverage, cover
from lrvm_jit.debug.profiler import profile as profile_board

from .console import CapturingHost, ConsoleHost
from .exit_codes import OF_REASON, ExitCode
from .options import (
    INPUT_FILE,
    OUTPUT_FILE,
    Number,
    json_option,
    machine_options,
    traceback_option,
    write_output,
)
from .report import print_json
from .run import open_machine


@click.command(short_help="Tell where a program spends its cycles, and what it executes.")
@click.argument("file", type=INPUT_FILE, required=False, metavar="PROGRAM")
@machine_options("The machine to run on, see `lrvm info --toml`.")
@click.option("--max-cycles", type=Number(), metavar="N", help="Attempt at most so many.")
@click.option("--exact", is_flag=True, help="Count every instruction; some ten million a second.")
@click.option("--annotate", is_flag=True, help="Show the source with the cycles of each line.")
@click.option("--flame", type=OUTPUT_FILE, metavar="OUT.svg", help="Write a flame graph.")
@click.option(
    "--speedscope", "scope", type=OUTPUT_FILE, metavar="OUT.json", help="Write for speedscope."
)
@click.option("--pprof", "proto", type=OUTPUT_FILE, metavar="OUT", help="Write for pprof.")
@click.option("--coverage", is_flag=True, help="Show which source lines were executed instead.")
@click.option("--lcov", type=OUTPUT_FILE, metavar="OUT", help="Write the coverage for lcov.")
@json_option
@traceback_option
@click.pass_context
def profile(
    ctx: click.Context,
    file: Path | None,
    machine_file: Path | None,
    allow_paths: tuple[Path, ...],
    max_cycles: int | None,
    exact: bool,
    annotate: bool,
    flame: Path | None,
    scope: Path | None,
    proto: Path | None,
    coverage: bool,
    lcov: Path | None,
    as_json: bool,
) -> None:
    """Run a program and tell where its cycles went: by function, label and source line.

    The first two million instructions are counted one by one; what comes after is sampled while
    it runs at full speed, unless --exact is given. Functions are what CALL calls. With --coverage
    or --lcov the lines that were executed are told instead, which is exact in any case. The
    report goes to standard output after the guest's text.

    \b
    Examples:
      lrvm profile hello.lasm
      lrvm profile hello.lasm --annotate --flame hello.svg
      lrvm profile hello.lasm --speedscope hello.json --max-cycles 100_000_000
      lrvm profile hello.lasm --coverage --lcov hello.info
    """
    covers = coverage or lcov is not None
    profiles = exact or annotate or flame is not None or scope is not None or proto is not None
    if covers and profiles:
        raise click.UsageError("--coverage and --lcov are a run of their own, without the others")
    host = CapturingHost() if as_json else ConsoleHost()
    source = file or machine_file or Path()
    with open_machine(file, machine_file, host, None, allow_paths) as machine:
        program = ProgramInfo(machine.program)
        if covers:
            found = cover(machine.board, program, max_cycles)
            if lcov is not None:
                write_output(lcov, found.lcov(), source)
            if as_json:
                print_json({**_coverage_document(found), "exit_code": int(_code(found.stop))})
            elif lcov is None or coverage:
                click.echo(_coverage_text(found), nl=False)
            ctx.exit(_code(found.stop))
        made = profile_board(machine.board, program, max_cycles, exact=exact)
        title = f"{source.name}: {made.cycles:,} cycles"
        for target, content in (
            (flame, lambda: flame_graph(made, title)),
            (scope, lambda: speedscope(made, source.name)),
            (proto, lambda: pprof(made)),
        ):
            if target is not None:
                write_output(target, content(), source)
        if as_json:
            print_json({**documented(made), "exit_code": int(_code(made.stop))})
            ctx.exit(_code(made.stop))
        kind = "every instruction counted" if made.exact else f"{made.samples} samples"
        click.echo(f"{made.cycles:,} cycles, {kind}\n")
        functions = made.functions
        if functions:
            click.echo(
                table(((name, own) for name, (own, _) in functions.items()), made.cycles,
                      "function, itself")
            )  # fmt: skip
            click.echo(
                table(((name, total) for name, (_, total) in functions.items()), made.cycles,
                      "function, with what it calls")
            )  # fmt: skip
        click.echo(table(made.labels.items(), made.cycles, "label"))
        lines = [
            (f"{place}  {(program.source_line(place) or '').strip()}", cycles)
            for place, cycles in made.lines.items()
        ]
        if lines:
            click.echo(table(lines, made.cycles, "source line"), nl=annotate)
        if annotate:
            click.echo(annotated(made), nl=False)
        ctx.exit(_code(made.stop))


def _code(stop: Stop | None) -> ExitCode:
    return ExitCode.INTERRUPTED if stop is None else OF_REASON[stop.reason]


def _coverage_text(found: Coverage) -> str:
    parts = []
    for path in found.paths:
        lines = found.lines(path)
        hit = sum(count > 0 for count in lines.values())
        parts.append(covered(lines, found.program.source(path)))
        share = 100 * hit / max(1, len(lines))
        parts.append(f"{path}: {hit} of {len(lines)} lines with code executed, {share:.1f} %\n")
    return "".join(parts) or "nothing is known about the program's source\n"


def _coverage_document(found: Coverage) -> dict[str, object]:
    files = []
    for path in found.paths:
        lines = found.lines(path)
        files.append(
            {
                "path": path,
                "lines": {str(line): count for line, count in lines.items()},
                "executed": sum(count > 0 for count in lines.values()),
                "code": len(lines),
            }
        )
    return {"files": files}
