"""The registers of `Host`, its commands and its errors: the tables that everything derives from.

`python -m lrvm_components.host_registers` prints them as the documentation has them; `c_header`
is what C programs include.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from .base import WORD_BYTES

BUFFER: Final = 0x100
"""Offset of the buffer, in bytes."""
BUFFER_BYTES: Final = 0x1000
SIZE: Final = BUFFER + BUFFER_BYTES
END_OF_INPUT: Final = 0xFFFF_FFFF
FAILED: Final = 0xFFFF_FFFF


class Register(NamedTuple):
    """A register: its offset in bytes, how a program uses it, what it is for."""

    offset: int
    access: str
    meaning: str


class Command(NamedTuple):
    """A command: its number, the registers it takes and answers, what it does."""

    number: int
    takes: str
    answers: str
    meaning: str


REGISTERS: Final[dict[str, Register]] = {
    "COMMAND": Register(0x00, "write", "does one of the commands below"),
    "OUT": Register(0x04, "write", "puts the low byte to the standard output"),
    "ERR": Register(0x08, "write", "puts the low byte to the standard error output"),
    "IN": Register(
        0x0C, "read", "takes the next byte of the standard input; 0xFFFFFFFF at its end"
    ),
    "STATUS": Register(0x10, "memory", "the exit status, which counts when the CPU halts"),
    "HANDLE": Register(0x14, "memory", "which stream or file: 0 standard input, 1 output, 2 error"),
    "COUNT": Register(0x18, "memory", "how many bytes of the buffer"),
    "MODE": Register(0x1C, "memory", "how to open, or where to count from"),
    "HIGH": Register(0x20, "memory", "a position, size or time: its high word"),
    "LOW": Register(0x24, "memory", "its low word"),
    "RESULT": Register(0x28, "memory", "a command's result; 0xFFFFFFFF after an error"),
    "ERROR": Register(0x2C, "memory", "a command's error, or 0"),
    "BUFFER": Register(BUFFER, "memory", f"{BUFFER_BYTES} bytes, the first in a word's high byte"),
}

COMMANDS: Final[dict[str, Command]] = {
    "READ": Command(1, "HANDLE, COUNT", "BUFFER, RESULT", "reads bytes; RESULT 0 is the end"),
    "WRITE": Command(2, "HANDLE, COUNT, BUFFER", "RESULT", "writes bytes; RESULT says how many"),
    "OPEN": Command(
        3, "BUFFER, COUNT, MODE", "RESULT", "opens the file of that path; RESULT is its handle"
    ),
    "CLOSE": Command(4, "HANDLE", "", "closes a file"),
    "SEEK": Command(
        5,
        "HANDLE, HIGH, LOW, MODE",
        "HIGH, LOW",
        "goes to a position, counted from the start (MODE 0), from here (1) or from the end (2)",
    ),
    "REMOVE": Command(6, "BUFFER, COUNT", "", "removes the file of that path"),
    "RENAME": Command(
        7, "BUFFER, COUNT", "", "renames a file; a zero byte stands between the two paths"
    ),
    "ARGUMENTS": Command(8, "", "RESULT", "how many arguments there are"),
    "ARGUMENT": Command(
        9,
        "HANDLE, COUNT, HIGH, LOW",
        "BUFFER, RESULT, HIGH, LOW",
        "the argument with the number HANDLE, from byte HIGH:LOW on; RESULT bytes are in the "
        "buffer, HIGH:LOW is its whole length",
    ),
    "TIME": Command(10, "", "HIGH, LOW", "nanoseconds since 1970 (UNIX time)"),
    "ELAPSED": Command(11, "", "HIGH, LOW", "nanoseconds since the last reset"),
    "LOOK": Command(
        12,
        "BUFFER, COUNT",
        "RESULT, HIGH, LOW",
        "what is at that path: RESULT 1 a file, 2 a folder; HIGH:LOW is the file's size",
    ),
}


class OpenMode(IntEnum):
    """Bits of MODE for OPEN."""

    READ = 1
    WRITE = 2
    CREATE = 4
    TRUNCATE = 8
    APPEND = 16
    EXCLUSIVE = 32


OPEN_MEANINGS: Final = {
    OpenMode.READ: "may be read",
    OpenMode.WRITE: "may be written",
    OpenMode.CREATE: "is created if it is not there",
    OpenMode.TRUNCATE: "is emptied",
    OpenMode.APPEND: "each write goes to the end",
    OpenMode.EXCLUSIVE: "with CREATE: it must not be there",
}


class HostErrorCode(IntEnum):
    """What ERROR says; the numbers are those of Linux's errno on most processors."""

    NOT_FOUND = 2
    INPUT_OUTPUT = 5
    BAD_HANDLE = 9
    REFUSED = 13
    EXISTS = 17
    NOT_A_FOLDER = 20
    IS_A_FOLDER = 21
    INVALID = 22
    TOO_MANY_FILES = 24
    TOO_LARGE = 27
    NO_SPACE = 28
    NOT_SEEKABLE = 29
    READ_ONLY = 30
    NAME_TOO_LONG = 36


ERROR_MEANINGS: Final = {
    HostErrorCode.NOT_FOUND: "there is no such file, or no folder was given",
    HostErrorCode.INPUT_OUTPUT: "the host's system reports another error",
    HostErrorCode.BAD_HANDLE: "no such handle, or not open for this",
    HostErrorCode.REFUSED: "the host refuses, or the path leads out of the folder or over a link",
    HostErrorCode.EXISTS: "the file is there already",
    HostErrorCode.NOT_A_FOLDER: "a part of the path is no folder",
    HostErrorCode.IS_A_FOLDER: "the path is that of a folder",
    HostErrorCode.INVALID: "COUNT, MODE, position or path make no sense",
    HostErrorCode.TOO_MANY_FILES: "too many files are open",
    HostErrorCode.TOO_LARGE: "the file would become too large",
    HostErrorCode.NO_SPACE: "the disk is full",
    HostErrorCode.NOT_SEEKABLE: "a stream has no position",
    HostErrorCode.READ_ONLY: "the folder was given for reading only",
    HostErrorCode.NAME_TOO_LONG: "a name is too long",
}


def offset_of(register: str) -> int:
    """The offset of a register in bytes."""
    return REGISTERS[register].offset


WINDOW: Final = offset_of("STATUS")
"""From here to the end it is plain memory."""
WINDOW_WORDS: Final = (SIZE - WINDOW) // WORD_BYTES


def tables() -> str:
    """The tables as Markdown."""
    lines = ["| offset | register | use | meaning |", "|---|---|---|---|"]
    lines += [
        f"| 0x{item.offset:02X} | {name} | {item.access} | {item.meaning} |"
        for name, item in REGISTERS.items()
    ]
    lines += ["", "| command | | takes | answers | what it does |", "|---|---|---|---|---|"]
    lines += [
        f"| {item.number} | {name} | {item.takes or '-'} | {item.answers or '-'} | {item.meaning} |"
        for name, item in COMMANDS.items()
    ]
    lines += ["", "| MODE of OPEN | | the file |", "|---|---|---|"]
    lines += [f"| {mode} | {mode.name} | {OPEN_MEANINGS[mode]} |" for mode in OpenMode]
    lines += ["", "| error | | |", "|---|---|---|"]
    lines += [f"| {code} | {code.name} | {ERROR_MEANINGS[code]} |" for code in HostErrorCode]
    return "\n".join(lines) + "\n"


def c_header(address: int) -> str:
    """The tables as a C header, for a `Host` that is mapped at `address`."""
    lines = [
        "/* Made from lrvm_components/host_registers.py. */",
        "#ifndef LRVM_HOST_H",
        "#define LRVM_HOST_H",
        f"#define HOST_ADDRESS 0x{address:08X}u",
        f"#define HOST_BUFFER_BYTES {BUFFER_BYTES}",
    ]
    lines += [
        f"#define HOST_{name} (*(volatile unsigned *)(HOST_ADDRESS + 0x{item.offset:02X}u))"
        for name, item in REGISTERS.items()
        if name != "BUFFER"
    ]
    lines.append(f"#define HOST_BUFFER ((unsigned char *)(HOST_ADDRESS + 0x{BUFFER:X}u))")
    for prefix, numbers in (
        ("DO", {name: item.number for name, item in COMMANDS.items()}),
        ("OPEN", {mode.name: int(mode) for mode in OpenMode}),
        ("ERROR", {code.name: int(code) for code in HostErrorCode}),
    ):
        lines += [f"#define HOST_{prefix}_{name} {number}" for name, number in numbers.items()]
    return "\n".join([*lines, "#endif", ""])


if __name__ == "__main__":
    print(tables(), end="")
