"""`lrvm cc`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import INPUT_FILE, OUTPUT_FILE, InputError, Size, traceback_option, write_output
from .report import print_error

_LIBRARIES = ("c", "m")


class _Once:
    """Tells once that something takes longer than usual."""

    told = False

    def __call__(self, text: str) -> None:
        if not self.told:
            click.echo("lrvm: compiling parts of the C library, kept for the next time", err=True)
        self.told = True


@click.command(short_help="Compile and link C programs.")
@click.argument("files", type=INPUT_FILE, nargs=-1, required=True)
@click.option(
    "-o", "--output", type=OUTPUT_FILE, metavar="OUT", help="By default FILE's stem and `.elf`."
)
@click.option(
    "-O",
    "level",
    type=click.Choice(["0", "1", "2", "3", "s"]),
    default="2",
    show_default=True,
    help="How much to optimise; s is for size.",
)
@click.option("-g", "debug", is_flag=True, help="Add source lines, functions and variables.")
@click.option("-S", "listing", is_flag=True, help="Write LASM instead of an ELF file.")
@click.option(
    "-I",
    "include_paths",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    metavar="DIR",
    help="A further folder with headers.",
)
@click.option("-D", "macros", multiple=True, metavar="NAME=VALUE", help="Define a macro.")
@click.option("-l", "libraries", multiple=True, metavar="NAME", help="m and c are always there.")
@click.option(
    "--check/--no-check",
    default=None,
    help="Whether reads of NULL and a stack that meets the heap are exceptions (yes at -O0).",
)
@click.option(
    "--ram",
    type=Size(),
    default="16M",
    show_default=True,
    metavar="SIZE",
    help="RAM of the machine.",
)
@click.option("--clang", metavar="PATH", help="The front end, instead of the package ziglang's.")
@click.option(
    "--machine",
    "machine_file",
    type=INPUT_FILE,
    metavar="FILE",
    help="Link for the machine of a file (see `lrvm info --toml`) instead of `c`.",
)
@traceback_option
@click.pass_context
def cc(
    ctx: click.Context,
    files: tuple[Path, ...],
    output: Path | None,
    level: str,
    debug: bool,
    listing: bool,
    include_paths: tuple[Path, ...],
    macros: tuple[str, ...],
    libraries: tuple[str, ...],
    check: bool | None,
    ram: int,
    clang: str | None,
    machine_file: Path | None,
) -> None:
    """Compile C (.c), LLVM IR (.ll), Zig (.zig) and assembly (.lasm) files to one program.

    The result is an ELF file that `lrvm run` runs. The front end comes with
    `pip install lrvm-jit[cc]`; parts of the C library are compiled when they are first used.

    \b
    Examples:
      lrvm cc hello.c && lrvm run hello.elf
      lrvm cc -O0 -g main.c list.c driver.lasm -o program.elf
      lrvm cc -S -o - hello.c | less
    """
    from ..cc import CompileError, compile_c
    from ..executable import MachineDescription

    for library in libraries:
        if library not in _LIBRARIES:
            raise InputError(f"there is no library {library!r}: -lm and -lc are accepted")
    target = output or Path(f"{files[0].stem}{'.lasm' if listing else '.elf'}")
    for file in files:
        if target.exists() and target.samefile(file):
            raise InputError(f"{target} is one of the inputs; choose another output")
    arguments: dict[str, Any] = {}
    if machine_file is not None:
        try:
            arguments["machine"] = MachineDescription.of_file(machine_file)
        except OSError as error:
            raise InputError(f"cannot read {machine_file}: {error.strerror}") from None
    try:
        executable = compile_c(
            files,
            level=level,
            debug=debug,
            check=check,
            include_paths=include_paths,
            macros=macros,
            ram=ram,
            clang=clang,
            report=_Once(),
            **arguments,
        )
    except CompileError as error:
        text = str(error)
        print_error(text if ": error:" in text else f"lrvm: error: {text}")
        ctx.exit(2)
    except OSError as error:
        raise InputError(f"cannot read {error.filename}: {error.strerror}") from None
    if listing:
        from ..cc.listing import to_lasm

        write_output(target, to_lasm(executable), files[0])
        return
    if str(target) == "-":
        raise InputError("an ELF file does not go to standard output: give -o OUT")
    try:
        executable.save(target)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}") from None
