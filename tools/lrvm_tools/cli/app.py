"""The command's entry point: subcommands, and what happens when one of them fails."""

from __future__ import annotations

import traceback
import warnings
from typing import Any, TextIO

import click

from ..images import ImageError
from ..lasm import AssemblyError
from ..machines import MachineError
from .asm import asm
from .batch import batch
from .bench import bench
from .cc import cc
from .completion import completion
from .customasm import customasm
from .debug import debug
from .dis import dis
from .exit_codes import EXIT_CODES_HELP, ExitCode
from .info import info
from .options import InputError, traceback_option, wants_json, wants_traceback
from .profile import profile
from .report import diagnostics_of, print_error, print_json, print_warning
from .run import run
from .streams import forget, replace_undecodable, watched
from .trace import trace
from .version import version
from .warm import warm


class Cli(click.Group):
    """A group that turns failures into a line on stderr and an exit code."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        with watched():  # `--help` and `--version` write here
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        replace_undecodable()
        try:
            with warnings.catch_warnings(), watched():
                warnings.simplefilter("always", UserWarning)
                warnings.showwarning = _show_warning
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            ctx.exit(ExitCode.INTERRUPTED)
        except AssemblyError as error:
            _fail(ctx, error, str(error), ExitCode.BAD_INPUT)
        except (MachineError, ImageError, InputError) as error:
            _fail(ctx, error, f"lrvm: error: {error}", ExitCode.BAD_INPUT)
        except MemoryError as error:
            text = f"lrvm: error: there is not enough memory{f': {error}' if str(error) else ''}"
            _fail(ctx, error, text, ExitCode.BAD_INPUT)
        except Exception as error:
            if wants_traceback(ctx):
                traceback.print_exc()
            text = f"lrvm: internal error: {type(error).__name__}: {error}"
            text += "" if wants_traceback(ctx) else " (`lrvm --traceback ...` shows where)"
            text += "".join(f"\n  {note}" for note in getattr(error, "__notes__", ()))
            _fail(ctx, error, text, ExitCode.INTERNAL_ERROR)


def _fail(ctx: click.Context, error: Exception, text: str, code: ExitCode) -> None:
    with watched():
        if wants_json(ctx):
            diagnostics = diagnostics_of(error)
            print_json({"error": str(error), "diagnostics": diagnostics, "exit_code": int(code)})
        else:
            try:
                print_error(text)
            except OSError:  # the exit code tells it as well
                forget()
    ctx.exit(code)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    print_warning(f"lrvm: warning: {message}")


@click.group(
    cls=Cli,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES_HELP,
)
@click.version_option(version(), prog_name="lrvm")
@traceback_option
def cli() -> None:
    """Assemble, disassemble and run programs of the LRVM machine.

    \b
    Examples:
      lrvm run hello.lasm                assemble and run
      lrvm run --machine machine.toml    the machine that a file describes
      lrvm batch sum.lasm -n 1000        on a thousand machines at once
      lrvm debug hello.lasm              step through it, forward and back
      lrvm trace hello.lasm -o t.parquet write down what it executes
      lrvm profile hello.lasm            where its cycles go
      lrvm asm hello.lasm -o hello.bin   assemble only
      lrvm cc hello.c                    compile C
      lrvm dis hello.bin --addresses     and back
      lrvm info                          where the default machine has its components

    A guest's text goes to standard output; reports about the run, errors and progress go to
    standard error, so that `lrvm run hello.lasm | ...` sees the guest only. With --json,
    standard output is one JSON document.
    """


for command in (
    run, batch, debug, trace, profile, asm, cc, customasm, dis, info, bench, warm, completion,
):  # fmt: skip
    cli.add_command(command)
