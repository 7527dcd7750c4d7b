"""Program files: LASM sources, executables (ELF), binary images and Intel HEX."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lrvm_jit.input_files import open_file, read_file
from lrvm_jit.locks import cached_property

from .intel_hex import read_ihex
from .lasm import Assembly, Place, assemble_program_file
from .text_files import decode

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from .executable import Executable

SOURCE_SUFFIXES: Final = (".lasm", ".asm")
HEX_SUFFIXES: Final = (".ihex", ".ihx")
ELF_MAGIC: Final = b"\x7fELF"


class ImageError(ValueError):
    """A file that holds no program."""


@dataclass(frozen=True)
class Image:
    """A program's bytes from address 0 on, and what is known about it: by the source that it was
    assembled from, or by its executable."""

    path: str
    data: bytes
    assembly: Assembly | None = None
    executable: Executable | None = None

    @cached_property
    def words(self) -> NDArray[numpy.uint32]:
        """The bytes as big-endian words, filled up with zeros to a whole one."""
        import numpy

        padded = self.data + bytes(-len(self.data) % 4)
        return numpy.frombuffer(padded, ">u4").astype(numpy.uint32)

    def locate(self, address: int) -> Place | None:
        """The source line of the byte at an address, if the source is known."""
        if self.executable is not None:
            place = self.executable.lines.locate(address)
            return None if place is None else Place(place.path, place.line)
        return self.assembly.locate(address) if self.assembly else None


def is_executable(path: Path) -> bool:
    """Whether a file is an ELF file, by its first bytes."""
    try:
        with open_file(path) as file:
            return file.read(len(ELF_MAGIC)) == ELF_MAGIC
    except OSError:
        return False


def load_image(path: Path) -> Image:
    """The program in a file: `.lasm` and `.asm` are assembled, `.ihex` and `.ihx` are Intel HEX,
    an ELF file is known by its first bytes, anything else is a binary image.

    Raises OSError, AssemblyError, or ImageError for a file that cannot be meant, of which
    ExecutableError is one.
    """
    suffix = path.suffix.lower()
    if suffix in SOURCE_SUFFIXES:
        assembly = assemble_program_file(path)
        return Image(str(path), assembly.bytes, assembly)
    data = read_file(path)
    if data.startswith(ELF_MAGIC):
        from .executable.elf_program import from_elf

        executable = from_elf(data, str(path))
        return Image(str(path), executable.words.astype(">u4").tobytes(), None, executable)
    if suffix in HEX_SUFFIXES:
        try:
            return Image(str(path), read_ihex(decode(data)))
        except ValueError as error:
            raise ImageError(f"{path} is no Intel HEX file: {error}") from None
    return Image(str(path), data)


def load_program(path: Path) -> Image:
    """`load_image` for a program that is to run: it must be whole words, at least one."""
    image = load_image(path)
    if not image.data:
        raise ImageError(f"{path} is empty: there is nothing to run")
    if image.assembly is None and len(image.data) % 4:
        raise ImageError(
            f"{path} has {len(image.data)} bytes, which are no whole words of 4; "
            f"a LASM source must be named {' or '.join('*' + s for s in SOURCE_SUFFIXES)}"
        )
    return image
