"""What `lrvm customasm` does: assemble as the command line says, and write the outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO, Final, TextIO

from lrvm_jit.output_files import write_file

from .arguments import CommandLine, OutputGroup, UsageError, parse
from .assembler import Options, Result, assemble
from .diagnostics import AssemblyError
from .files import Files
from .language import Language

HELP: Final = """\
Usage: lrvm customasm FILES... [options] [-- options]...

Assembles programs in the CustomASM language (version 0.13.9) for the instruction set that their
rules describe. Each `--` starts another output.

Of an output:
  -f, --format FORMAT     what to write (default: binary; annotated with -p)
  -o, --output [FILE]     where to write (default: the first input with another extension)
  -p, --print             print to standard output; no file is written unless -o is given

Of the whole run:
  -d, --define NAME[=VALUE]   give a constant; true without a value
  -t, --iters [NUMBER]    passes at most (default: 10)
  -q, --quiet             print nothing but outputs and errors
      --color=on|off      colour in messages
      --keep-going        tell every error of a phase, not the first alone
      --language VERSION  accept what versions up to 0.13.13 added
      --disassemble IMAGE print the program in a file, by the rules in FILES
      --debug-iters, --debug-no-optimize-static, --debug-no-optimize-matcher
                          accepted, without effect
  -v, --version           print the version
  -h, --help              print this

Formats, with their parameters:
  binary  annotated,base:16,group:2  annotatedhex  annotatedbin  binstr  hexstr  bindump  hexdump
  mif  intelhex,addr_unit:8  deccomma  hexcomma  decspace  hexspace  decc  hexc  c
  logisim8  logisim16  addrspan  tcgame,base:16,group:2  tcgamebin  symbols  mesen-mlb
  list,base:16,group:2,between:"",group2:16,between2:"",before:"",after:""
  readmemb,width:8  readmemh,width:8

Examples:
  lrvm customasm program.asm -p
  lrvm customasm cpu.asm program.asm -o program.bin -- -f symbols -o program.sym
  lrvm customasm program.asm -f intelhex -d DEBUG=1
  lrvm customasm --disassemble program.bin cpu.asm

Exit status: 0; 1 after an error, and then nothing is written.
"""


class Driver:
    """Runs one command line; text goes to `stdout` and `stderr`, outputs to `binary`, which is
    standard output for bytes."""

    def __init__(
        self, version: str, stdout: TextIO, stderr: TextIO, binary: Callable[[], BinaryIO]
    ) -> None:
        self._version = version
        self._stdout = stdout
        self._stderr = stderr
        self._binary = binary

    def run(self, words: Sequence[str]) -> int:
        """Do what a command line says; the exit status."""
        try:
            line = parse(words)
        except UsageError as error:
            return self._fail(f"error: {error}")
        if line.help:
            self._stdout.write(HELP)
            return 0
        if line.version:
            self._stdout.write(self._name() + "\n")
            return 0
        try:
            return self._assemble(line)
        except AssemblyError as error:
            return self._fail(str(error))
        except OSError as error:
            if error.filename is None:
                # Standard output: the command knows what to do when it takes no more.
                raise
            what = "read" if error.filename == line.image else "write"
            return self._fail(f"error: cannot {what} `{error.filename}`: {error.strerror}")

    def _name(self) -> str:
        return f"lrvm customasm {self._version} (language: CustomASM 0.13.9)"

    def _say(self, line: CommandLine, text: str) -> None:
        if not line.quiet:
            self._stdout.write(text + "\n")

    def _fail(self, text: str) -> int:
        self._stdout.flush()
        self._stderr.write(text + "\n")
        return 1

    def _assemble(self, line: CommandLine) -> int:
        if line.image is not None:
            return self._disassemble(line, line.image)
        self._say(line, self._name())
        for file in line.files:
            self._say(line, f"assembling `{file}`...")
        options = Options(line.passes, line.defines, line.keep_going, Language(later=line.later))
        roots = [(file.replace("\\", "/"), None) for file in line.files]
        result = assemble(roots, Files(), options)
        # Everything is made before anything is written.
        written = [(output, output.form.write(result)) for output in line.outputs]
        for output, data in written:
            self._write(line, output, data)
        self._say(line, _iterations(result))
        return 0

    def _write(self, line: CommandLine, output: OutputGroup, data: bytes) -> None:
        if output.printed:
            self._say(line, "")
            self._stdout.flush()
            stream = self._binary()
            stream.write(data + b"\n")
            stream.flush()
        if output.file is not None:
            self._say(line, f"writing `{output.file}`...")
            write_file(output.file, data)

    def _disassemble(self, line: CommandLine, image: str) -> int:
        from .disassembly import disassemble_file

        text, unknown = disassemble_file(image, line.files, line.defines, line.later)
        self._stdout.write(text)
        self._stdout.flush()
        if unknown:
            self._stderr.write(f"note: {unknown}\n")
        return 0


def _iterations(result: Result) -> str:
    plural = "" if result.passes == 1 else "s"
    return f"resolved in {result.passes} iteration{plural}"
