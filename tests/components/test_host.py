"""The component Host: streams, arguments, files, time, exit status, and their errors."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest

from lrvm_components import BootRom, Host, Ram
from lrvm_components.host_files import MOST_FILES
from lrvm_components.host_registers import (
    BUFFER,
    BUFFER_BYTES,
    COMMANDS,
    FAILED,
    REGISTERS,
    WINDOW,
    HostErrorCode,
    OpenMode,
    c_header,
)
from lrvm_jit import HardwareError, Motherboard, StopReason
from lrvm_tools import assemble
from tests.engines import ENGINES, EngineChoice, engine_id


class Guest:
    """Does what a guest does, on the component's registers."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def put(self, register: str, word: int) -> None:
        self.host.write(REGISTERS[register].offset, word & 0xFFFF_FFFF)

    def get(self, register: str) -> int:
        return self.host.read(REGISTERS[register].offset)

    def fill(self, data: bytes) -> None:
        """Put bytes into the buffer, and how many into COUNT."""
        padded = numpy.frombuffer(data + bytes(-len(data) % 4), ">u4").tolist()
        for number, word in enumerate(padded):
            self.host.write(BUFFER + 4 * number, word)
        self.put("COUNT", len(data))

    def buffer(self, count: int) -> bytes:
        first = (BUFFER - WINDOW) // 4
        return self.host.words[first:].astype(">u4").tobytes()[:count]

    def do(self, command: str, **registers: int) -> int:
        """Do a command. The answer is RESULT, or the error as a negative number."""
        for name, word in registers.items():
            self.put(name, word)
        self.put("COMMAND", COMMANDS[command].number)
        if self.get("RESULT") == FAILED:
            return -self.get("ERROR")
        assert self.get("ERROR") == 0
        return self.get("RESULT")

    def wide(self) -> int:
        return self.get("HIGH") << 32 | self.get("LOW")

    def open(self, path: bytes | str, mode: int = OpenMode.READ) -> int:
        self.fill(os.fsencode(path))
        return self.do("OPEN", MODE=mode)

    def write(self, handle: int, data: bytes) -> int:
        self.fill(data)
        return self.do("WRITE", HANDLE=handle)

    def read(self, handle: int, count: int = BUFFER_BYTES) -> bytes | int:
        got = self.do("READ", HANDLE=handle, COUNT=count)
        return self.buffer(got) if got >= 0 else got


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file, a folder in it, and things around it that are not to be reached."""
    (tmp_path / "secret").write_bytes(b"secret")
    inside = tmp_path / "inside"
    (inside / "sub").mkdir(parents=True)
    (inside / "data").write_bytes(b"0123456789")
    (inside / "sub" / "deep").write_bytes(b"deep")
    (inside / "link").symlink_to("../secret")
    (inside / "good_link").symlink_to("data")
    (inside / "up").symlink_to("..")
    os.mkfifo(inside / "pipe")
    return inside


@pytest.fixture
def reader(folder: Path) -> Iterator[Guest]:
    host = Host(folder=folder)
    yield Guest(host)
    host.close()


@pytest.fixture
def writer(folder: Path) -> Iterator[Guest]:
    host = Host(folder=folder, writable=True)
    yield Guest(host)
    host.close()


# --- streams -------------------------------------------------------------------------------------


def test_bytes_go_out_as_they_are() -> None:
    out, err = io.BytesIO(), io.BytesIO()
    guest = Guest(Host(stdout=out, stderr=err))
    everything = bytes(range(256)) * (BUFFER_BYTES // 256)
    assert guest.write(1, everything) == BUFFER_BYTES
    assert guest.write(1, b"") == 0
    assert guest.write(2, b"\xff\x00") == 2
    guest.put("OUT", 0x1C3)
    guest.put("ERR", 0)
    assert out.getvalue() == everything + b"\xc3"
    assert err.getvalue() == b"\xff\x00\x00"


def test_bytes_come_in_by_commands_and_one_by_one() -> None:
    """What the register IN has read ahead is not lost to READ."""
    guest = Guest(Host(stdin=io.BytesIO(b"\xc3\xa9" + bytes(5000))))
    assert guest.get("IN") == 0xC3
    assert guest.read(0, 1) == b"\xa9"
    assert guest.read(0, 0) == b""
    got = b""
    while part := guest.read(0):
        assert isinstance(part, bytes)
        got += part
    assert got == bytes(5000)
    assert guest.get("IN") == 0xFFFF_FFFF
    assert guest.read(0) == b""


def test_a_read_takes_what_is_there_and_does_not_wait_for_more() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb", buffering=0) as end:
        guest = Guest(Host(stdin=source))
        end.write(b"ab")
        assert guest.read(0) == b"ab"
        end.write(b"c")
        assert guest.get("IN") == ord("c")


def test_the_output_is_seen_before_input_is_waited_for() -> None:
    class Buffered(io.BytesIO):
        seen = b""

        def flush(self) -> None:
            self.seen = self.getvalue()

    class Source:
        def read(self, size: int, /) -> bytes:
            assert out.seen == b"name? "
            return b"x"

    out = Buffered()
    guest = Guest(Host(stdin=Source(), stdout=out, stderr=io.BytesIO()))
    for byte in b"name? ":
        guest.put("OUT", byte)
    assert guest.get("IN") == ord("x")


def test_a_raw_file_that_takes_a_part_gets_all() -> None:
    class Slow(io.RawIOBase):
        got = b""

        def writable(self) -> bool:
            return True

        def write(self, data: object, /) -> int:
            assert isinstance(data, bytes)
            self.got += data[:3]
            return min(3, len(data))

    out = Slow()
    assert Guest(Host(stdout=out)).write(1, b"0123456789") == 10
    assert out.got == b"0123456789"


def test_standard_streams_are_the_default(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    guest = Guest(Host())
    guest.write(1, b"\xff out\n")
    guest.write(2, b"\xfe err\n")
    assert capfdbinary.readouterr() == (b"\xff out\n", b"\xfe err\n")


def test_text_streams_do_where_there_are_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a notebook."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stdin", io.StringIO("é" * 3000 + "\nsecond\n"))
    guest = Guest(Host())
    for byte in "é".encode():
        guest.put("OUT", byte)
    assert out.getvalue() == "é"
    assert guest.get("IN") == 0xC3
    assert guest.read(0) == ("é" * 3000).encode()[1:4096]
    assert guest.read(0) == ("é" * 3000 + "\n").encode()[4096:]
    assert guest.read(0) == b"second\n"
    assert guest.read(0) == b""


def test_a_process_without_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    guest = Guest(Host())
    assert guest.read(0) == b""
    assert guest.write(1, b"x") == -HostErrorCode.BAD_HANDLE
    with pytest.raises(HardwareError) as caught:
        guest.put("OUT", 65)
    assert caught.value.word == 0x3000


def test_a_full_disk_is_an_error_for_the_guest() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        guest = Guest(Host(stdout=full))
        assert guest.write(1, b"x") == -HostErrorCode.NO_SPACE
        with pytest.raises(HardwareError):
            guest.put("OUT", 65)


def test_a_reader_that_has_gone_ends_the_run() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as out:
        guest = Guest(Host(stdout=out))
        with pytest.raises(BrokenPipeError):
            guest.write(1, b"x")
        with pytest.raises(BrokenPipeError):
            guest.put("OUT", 65)


@pytest.mark.parametrize("handle", [1, 2, 3, 99, 0xFFFF_FFFF])
def test_a_handle_that_cannot_be_read(handle: int) -> None:
    assert Guest(Host()).do("READ", HANDLE=handle, COUNT=1) == -HostErrorCode.BAD_HANDLE


@pytest.mark.parametrize("handle", [0, 3, 99, 0xFFFF_FFFF])
def test_a_handle_that_cannot_be_written(handle: int) -> None:
    assert Guest(Host()).do("WRITE", HANDLE=handle, COUNT=1) == -HostErrorCode.BAD_HANDLE


@pytest.mark.parametrize("command", ["READ", "WRITE", "OPEN", "REMOVE", "RENAME", "LOOK"])
def test_more_than_the_buffer_is_refused(command: str, writer: Guest) -> None:
    result = writer.do(command, HANDLE=1, COUNT=BUFFER_BYTES + 1, MODE=1)
    assert -result in (HostErrorCode.INVALID, HostErrorCode.BAD_HANDLE)


# --- arguments, time, status ---------------------------------------------------------------------


def test_arguments_are_bytes_and_may_be_long() -> None:
    long = b"x" * 10_000
    guest = Guest(Host(["prog", "ä b", long, "", b"\xff"]))
    assert guest.do("ARGUMENTS") == 5
    assert guest.do("ARGUMENT", HANDLE=1, COUNT=100, HIGH=0, LOW=0) == len("ä b".encode())
    assert guest.buffer(4) == "ä b".encode()
    got = b""
    while part := guest.do("ARGUMENT", HANDLE=2, COUNT=4096, HIGH=0, LOW=len(got)):
        got += guest.buffer(part)
        assert guest.wide() == len(long)
    assert got == long
    assert guest.do("ARGUMENT", HANDLE=3, COUNT=10, HIGH=0, LOW=0) == 0
    assert guest.do("ARGUMENT", HANDLE=4, COUNT=10, HIGH=0, LOW=0) == 1
    assert guest.do("ARGUMENT", HANDLE=5, COUNT=10) == -HostErrorCode.INVALID


@pytest.mark.parametrize(
    ("arguments", "error"),
    [("text", TypeError), ([1], TypeError), (["a\0b"], ValueError)],
)
def test_bad_arguments(arguments: list[str], error: type[Exception]) -> None:
    with pytest.raises(error):
        Host(arguments)


def test_time() -> None:
    now = [5_000_000_000_123]
    guest = Guest(Host(clock=lambda: 1_700_000_000_000_000_001, monotonic=lambda: now[0]))
    guest.do("TIME")
    assert guest.wide() == 1_700_000_000_000_000_001
    now[0] += 6_000_000_000
    guest.do("ELAPSED")
    assert guest.wide() == 6_000_000_000
    guest.host.reset()
    guest.do("ELAPSED")
    assert guest.wide() == 0


def test_reset_clears_registers_and_closes_files_but_not_streams(reader: Guest) -> None:
    host = Host(stdin=io.BytesIO(b"ab"))
    guest = Guest(host)
    assert guest.read(0, 1) == b"a"
    guest.put("STATUS", 7)
    assert host.status == 7
    host.reset()
    assert host.status == 0
    assert guest.read(0, 1) == b"b"
    handle = reader.open("data")
    reader.host.reset()
    assert reader.read(handle) == -HostErrorCode.BAD_HANDLE


@pytest.mark.parametrize("command", [0, 13, 0x1234_5678])
def test_an_unknown_command_is_a_hardware_error(command: int) -> None:
    with pytest.raises(HardwareError) as caught:
        Guest(Host()).put("COMMAND", command)
    assert caught.value.word == 0x1000 | command & 0xFF


def test_registers_that_cannot_be_read_or_written() -> None:
    guest = Guest(Host())
    for register in ("COMMAND", "OUT", "ERR"):
        with pytest.raises(HardwareError) as caught:
            guest.get(register)
        assert caught.value.word == 0x2100
    with pytest.raises(HardwareError) as caught:
        guest.put("IN", 1)
    assert caught.value.word == 0x3100


# --- files ---------------------------------------------------------------------------------------


def test_files_are_read(reader: Guest) -> None:
    handle = reader.open("data")
    other = reader.open("/sub//./deep")
    assert handle >= 3
    assert other not in (0, 1, 2, handle)
    assert reader.read(handle, 4) == b"0123"
    assert reader.read(other) == b"deep"
    assert reader.read(handle) == b"456789"
    assert reader.read(handle) == b""
    assert reader.write(handle, b"x") == -HostErrorCode.BAD_HANDLE
    assert reader.do("CLOSE", HANDLE=handle) == 0
    assert reader.read(handle) == -HostErrorCode.BAD_HANDLE
    assert reader.open("data") == handle


def test_seeking(reader: Guest) -> None:
    handle = reader.open("data")
    for mode, offset, position in ((0, 7, 7), (1, -2, 5), (2, -1, 9), (2, 5, 15)):
        bits = offset & (1 << 64) - 1
        assert reader.do("SEEK", HANDLE=handle, MODE=mode, HIGH=bits >> 32, LOW=bits) == 0
        assert reader.wide() == position
    assert reader.do("SEEK", HANDLE=handle, MODE=0, HIGH=1 << 31, LOW=0) == -HostErrorCode.INVALID
    assert reader.do("SEEK", HANDLE=handle, MODE=3, HIGH=0, LOW=0) == -HostErrorCode.INVALID
    assert reader.do("SEEK", HANDLE=1, MODE=0, HIGH=0, LOW=0) == -HostErrorCode.NOT_SEEKABLE


def test_files_are_written(writer: Guest, folder: Path) -> None:
    mode = OpenMode.READ | OpenMode.WRITE
    handle = writer.open("data", mode)
    assert writer.write(handle, b"ab") == 2
    assert writer.read(handle) == b"23456789"
    new = writer.open("sub/new", OpenMode.WRITE | OpenMode.CREATE | OpenMode.EXCLUSIVE)
    assert writer.write(new, b"hello") == 5
    end = writer.open("sub/new", OpenMode.WRITE | OpenMode.APPEND)
    assert writer.write(end, b"!") == 1
    assert (folder / "data").read_bytes() == b"ab23456789"
    assert (folder / "sub" / "new").read_bytes() == b"hello!"
    writer.open("data", OpenMode.WRITE | OpenMode.TRUNCATE)
    assert (folder / "data").read_bytes() == b""
    exists = writer.open("data", OpenMode.WRITE | OpenMode.CREATE | OpenMode.EXCLUSIVE)
    assert exists == -HostErrorCode.EXISTS


def test_files_are_renamed_and_removed(writer: Guest, folder: Path) -> None:
    writer.fill(b"data\0sub/moved")
    assert writer.do("RENAME") == 0
    assert (folder / "sub" / "moved").read_bytes() == b"0123456789"
    writer.fill(b"sub/moved")
    assert writer.do("REMOVE") == 0
    assert writer.do("REMOVE") == -HostErrorCode.NOT_FOUND
    writer.fill(b"only one")
    assert writer.do("RENAME") == -HostErrorCode.INVALID


def test_looking(reader: Guest) -> None:
    for path, result, size in ((b"data", 1, 10), (b"sub", 2, 0), (b"/", 2, 0), (b".", 2, 0)):
        reader.fill(path)
        assert (reader.do("LOOK"), reader.wide()) == (result, size)


ESCAPES = [
    "../secret",
    "sub/../../secret",
    "..",
    "/../secret",
    "link",
    "up/secret",
    "up/inside/data",
]


@pytest.mark.parametrize("path", [*ESCAPES, "good_link", "sub/..", "pipe"])
def test_no_path_leads_out_of_the_folder(path: str, writer: Guest, folder: Path) -> None:
    """By `..`, over links, or into something that is no file."""
    assert writer.open(path) == -HostErrorCode.REFUSED
    mode = OpenMode.WRITE | OpenMode.CREATE | OpenMode.TRUNCATE
    assert -writer.open(path, mode) in (HostErrorCode.REFUSED, HostErrorCode.INPUT_OUTPUT)
    assert (folder.parent / "secret").read_bytes() == b"secret"


@pytest.mark.parametrize("path", ESCAPES)
def test_nothing_outside_is_removed_renamed_or_looked_at(
    path: str, writer: Guest, folder: Path
) -> None:
    writer.fill(path.encode())
    assert writer.do("LOOK") == -HostErrorCode.REFUSED
    if path != "link":  # a link itself lies in the folder
        assert writer.do("REMOVE") == -HostErrorCode.REFUSED
        writer.fill(path.encode() + b"\0stolen")
        assert writer.do("RENAME") == -HostErrorCode.REFUSED
        writer.fill(b"data\0" + path.encode())
        assert writer.do("RENAME") == -HostErrorCode.REFUSED
    assert (folder.parent / "secret").read_bytes() == b"secret"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("nothing", HostErrorCode.NOT_FOUND),
        ("sub", HostErrorCode.IS_A_FOLDER),
        ("/", HostErrorCode.IS_A_FOLDER),
        ("data/", HostErrorCode.IS_A_FOLDER),
        ("data/x", HostErrorCode.NOT_A_FOLDER),
        ("", HostErrorCode.INVALID),
        ("a\0b", HostErrorCode.INVALID),
        ("x" * 300, HostErrorCode.NAME_TOO_LONG),
    ],
)
def test_paths_that_cannot_be_opened(path: str, code: int, reader: Guest) -> None:
    assert reader.open(path) == -code


@pytest.mark.parametrize("mode", [0, 2 | 64, 1 | 4, 1 | 8, 1 | 16, 4, 0xFFFF_FFFF])
def test_modes_that_make_no_sense(mode: int, writer: Guest) -> None:
    assert writer.open("data", mode) == -HostErrorCode.INVALID


def test_read_only_is_the_default(reader: Guest, folder: Path) -> None:
    for mode in (OpenMode.WRITE, OpenMode.READ | OpenMode.WRITE, OpenMode.WRITE | OpenMode.CREATE):
        assert reader.open("data", mode) == -HostErrorCode.READ_ONLY
    reader.fill(b"data")
    assert reader.do("REMOVE") == -HostErrorCode.READ_ONLY
    reader.fill(b"data\0other")
    assert reader.do("RENAME") == -HostErrorCode.READ_ONLY
    assert (folder / "data").exists()


def test_without_a_folder_there_are_no_files() -> None:
    guest = Guest(Host())
    assert guest.open("data") == -HostErrorCode.NOT_FOUND
    guest.fill(b"/")
    assert guest.do("LOOK") == -HostErrorCode.NOT_FOUND


def test_files_are_not_opened_without_end(reader: Guest) -> None:
    handles = [reader.open("data") for _ in range(MOST_FILES)]
    assert len(set(handles)) == MOST_FILES
    assert reader.open("data") == -HostErrorCode.TOO_MANY_FILES
    reader.do("CLOSE", HANDLE=handles[5])
    assert reader.open("data") == handles[5]


def test_closing_the_component_closes_its_files(folder: Path) -> None:
    host = Host(folder=folder)
    before = len(list(Path("/proc/self/fd").iterdir()))
    Guest(host).open("data")
    host.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before - 1


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Host(folder=tmp_path / "nothing")


# --- on machines ---------------------------------------------------------------------------------

COPY = """
    cpy ac0, 0xffff
    shl ac0, 16
next:
    wsa ac0, 0x14, 0        ; HANDLE: standard input
    cpy a0, 4096
    wsa ac0, 0x18, a0       ; COUNT
    wsa ac0, 0x00, 1        ; READ
    lsa a0, ac0, 0x28       ; RESULT
    cmp a0, 0
    ifeq
    jp done
    add rr0, a0
    wsa ac0, 0x18, a0
    wsa ac0, 0x14, 1
    wsa ac0, 0x00, 2        ; WRITE
    jp next
done:
    wsa ac0, 0x04, 0x0A     ; a newline through OUT
    wsa ac0, 0x10, 3        ; STATUS
    halt
"""


@pytest.mark.parametrize("engine", ENGINES, ids=engine_id)
def test_a_guest_copies_its_input(engine: EngineChoice) -> None:
    data = os.urandom(9_999)
    out = io.BytesIO()
    host = Host(stdin=io.BytesIO(data), stdout=out)
    with Motherboard([BootRom(assemble(COPY), 0x1000), Ram(0x1000), host], engine) as board:
        board.map(0, 0)
        board.map(0x1000, 1)
        board.map(0xFFFF_0000, 2)
        board.reset()
        stop = board.run(10_000)
        assert stop.reason is StopReason.HALTED
        assert board.cpu.regs["rr0"] == len(data)
        assert board.memory.read(0xFFFF_0010) == 3
    assert out.getvalue() == data + b"\n"
    assert host.status == 3


@pytest.mark.parametrize("engine", ENGINES, ids=engine_id)
def test_code_in_the_buffer_follows_what_is_read_into_it(engine: EngineChoice) -> None:
    """A window's words may be code: a command that changes them is noticed."""
    first, second = assemble("inc a1\nret"), assemble("add a1, 100\nret")
    caller = """
        cpy ac0, 0xffff
        shl ac0, 16
        cpy ssp, 0x1100
        cpy ac1, ac0
        add ac1, 0x100
        wsa ac0, 0x18, 8
    next:
        wsa ac0, 0x00, 1
        call ac1
        call ac1
        inc a2
        cmp a2, 2
        ifnq
        jp next
        halt
    """
    code = b"".join(words.astype(">u4").tobytes() for words in (first, second))
    host = Host(stdin=io.BytesIO(code))
    with Motherboard([BootRom(assemble(caller), 0x1000), Ram(0x1000), host], engine) as board:
        board.map(0, 0)
        board.map(0x1000, 1)
        board.map(0xFFFF_0000, 2)
        board.reset()
        assert board.run(1_000).reason is StopReason.HALTED
        assert board.cpu.regs["a1"] == 202


# --- the tables ----------------------------------------------------------------------------------


def test_registers_do_not_overlap_and_the_header_has_them() -> None:
    offsets = [register.offset for register in REGISTERS.values()]
    assert offsets == sorted(set(offsets))
    assert all(offset % 4 == 0 for offset in offsets)
    numbers = [command.number for command in COMMANDS.values()]
    assert numbers == list(range(1, len(numbers) + 1))
    header = c_header(0xFFFF_0000)
    assert "#define HOST_DO_RENAME 7\n" in header
    assert "#define HOST_STATUS (*(volatile unsigned *)(HOST_ADDRESS + 0x10u))\n" in header
