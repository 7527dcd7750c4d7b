"""What `Host` does for one machine: the commands, on the words of its window."""

from __future__ import annotations

import codecs
import contextlib
import os
import stat
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TextIO

import numpy
from numpy.typing import NDArray

from lrvm_jit import HardwareCode, HardwareError

from .base import WORD_BYTES
from .host_files import MOST_FILES, Folder, HostFailureError, failure_of
from .host_registers import (
    BUFFER,
    BUFFER_BYTES,
    COMMANDS,
    END_OF_INPUT,
    FAILED,
    WINDOW,
    HostErrorCode,
    offset_of,
)

STDIN, STDOUT, STDERR = range(3)
FIRST_FILE: Final = 3


class ByteSource(Protocol):
    """Where input comes from: a binary file."""

    def read(self, size: int, /) -> bytes | None: ...


class ByteSink(Protocol):
    """Where output goes: a binary file."""

    def write(self, data: bytes, /) -> object: ...

    def flush(self) -> object: ...


def _index(register: str) -> int:
    return (offset_of(register) - WINDOW) // WORD_BYTES


STATUS = _index("STATUS")
_HANDLE = _index("HANDLE")
_COUNT = _index("COUNT")
_MODE = _index("MODE")
_HIGH = _index("HIGH")
_LOW = _index("LOW")
_RESULT = _index("RESULT")
_ERROR = _index("ERROR")
_BUFFER = (BUFFER - WINDOW) // WORD_BYTES


class Session:
    """One machine's streams, open files and arguments.

    `stdin`, `stdout`, `stderr`: None is the process's own stream, looked up when it is used.
    """

    def __init__(
        self,
        arguments: Sequence[bytes],
        stdin: ByteSource | None,
        stdout: ByteSink | None,
        stderr: ByteSink | None,
        folder: Folder | None,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._arguments = arguments
        self._stdin = stdin
        self._sinks: dict[int, ByteSink | None] = {STDOUT: stdout, STDERR: stderr}
        self._folder = folder
        self._clock = clock
        self._monotonic = monotonic
        self._text_sinks: dict[int, _TextSink] = {}
        self._text_source: _TextSource | None = None
        self._files: dict[int, int] = {}
        self._started = monotonic()
        self._ahead = b""
        self._ahead_at = 0

    @property
    def open_files(self) -> int:
        """How many files the guest has open."""
        return len(self._files)

    @property
    def elapsed(self) -> int:
        """Nanoseconds since the last reset. May be set."""
        return self._monotonic() - self._started

    @elapsed.setter
    def elapsed(self, nanoseconds: int) -> None:
        self._started = self._monotonic() - nanoseconds

    # --- bytes -----------------------------------------------------------------------------------

    def put_byte(self, handle: int, byte: int) -> None:
        """A byte for a stream. HardwareError 0x30 if the host reports an error."""
        try:
            sink = self._sink(handle)
            sink.write(bytes((byte & 0xFF,)))
            if byte & 0xFF == 10:
                sink.flush()
        except HostFailureError:
            raise HardwareError(HardwareCode.PHYSICAL_WRITE_ERROR) from None
        except BrokenPipeError:
            raise
        except OSError:
            raise HardwareError(HardwareCode.PHYSICAL_WRITE_ERROR) from None

    def take_byte(self) -> int:
        """The next byte of the input. HardwareError 0x20 if the host reports an error."""
        if self._ahead_at == len(self._ahead):
            try:
                self._ahead, self._ahead_at = self._read_input(BUFFER_BYTES), 0
            except OSError:
                raise HardwareError(HardwareCode.PHYSICAL_READ_ERROR) from None
            if not self._ahead:
                return END_OF_INPUT
        byte = self._ahead[self._ahead_at]
        self._ahead_at += 1
        return byte

    def flush(self) -> None:
        """Hand on what streams keep."""
        for handle in self._sinks:
            self._sink(handle).flush()

    def _sink(self, handle: int) -> ByteSink:
        sink = self._sinks[handle]
        if sink is not None:
            return sink
        stream = sys.stdout if handle == STDOUT else sys.stderr
        if stream is None:
            raise HostFailureError(HostErrorCode.BAD_HANDLE)
        buffer: ByteSink | None = getattr(stream, "buffer", None)
        if buffer is not None:
            return buffer
        known = self._text_sinks.get(handle)
        if known is None or known.stream is not stream:
            known = self._text_sinks[handle] = _TextSink(stream)
        return known

    def _flush_text(self, handle: int) -> None:
        """What the process itself has printed comes before what the guest puts out."""
        if self._sinks[handle] is None:
            stream = sys.stdout if handle == STDOUT else sys.stderr
            if stream is not None:
                stream.flush()

    def _read_input(self, count: int) -> bytes:
        """Bytes of the input: what is there, at least one unless it is at its end."""
        # What the guest has asked the person at the terminal must be seen before it waits.
        for handle in self._sinks:
            try:
                self._sink(handle).flush()
            except (OSError, HostFailureError):
                continue
        source = self._stdin
        if source is None:
            if sys.stdin is None:
                return b""
            source = getattr(sys.stdin, "buffer", None)
            if source is None:
                if self._text_source is None or self._text_source.stream is not sys.stdin:
                    self._text_source = _TextSource(sys.stdin)
                source = self._text_source
        read: Callable[[int], bytes | None] = getattr(source, "read1", source.read)
        return read(count) or b""

    # --- commands --------------------------------------------------------------------------------

    def command(self, number: int, words: NDArray[numpy.uint32]) -> None:
        """Do a command; `words` is the window. HardwareError 0x10 for an unknown one."""
        do = _COMMANDS.get(number)
        if do is None:
            raise HardwareError(HardwareCode.UNKNOWN_OPERATION, number & 0xFF)
        try:
            result = do(self, words)
            words[_ERROR] = 0
            words[_RESULT] = result or 0
        except HostFailureError as failure:
            words[_ERROR] = failure.code
            words[_RESULT] = FAILED

    def _read(self, words: NDArray[numpy.uint32]) -> int:
        handle, count = int(words[_HANDLE]), _count(words)
        if handle in self._sinks:
            raise HostFailureError(HostErrorCode.BAD_HANDLE)
        try:
            data = self._take(count) if handle == STDIN else os.read(self._file(handle), count)
        except OSError as error:
            raise failure_of(error) from None
        put_bytes(words, data)
        return len(data)

    def _take(self, count: int) -> bytes:
        """Input, first what `take_byte` has read ahead."""
        if not count:
            return b""
        data = self._ahead[self._ahead_at : self._ahead_at + count]
        self._ahead_at += len(data)
        return data or self._read_input(count)

    def _write(self, words: NDArray[numpy.uint32]) -> int:
        handle = int(words[_HANDLE])
        data = _bytes(words)
        try:
            if handle in self._sinks:
                sink = self._sink(handle)
                self._flush_text(handle)
                _write_all(sink, data)
                sink.flush()
            else:
                descriptor = self._file(handle)
                at = 0
                while at < len(data):
                    at += os.write(descriptor, data[at:])
        except BrokenPipeError:
            if handle in self._sinks:
                # Nobody reads any more: this ends the machine as it ends other programs.
                raise
            raise HostFailureError(HostErrorCode.INPUT_OUTPUT) from None
        except OSError as error:
            raise failure_of(error) from None
        return len(data)

    def _open(self, words: NDArray[numpy.uint32]) -> int:
        if len(self._files) >= MOST_FILES:
            raise HostFailureError(HostErrorCode.TOO_MANY_FILES)
        handle = next(k for k in range(FIRST_FILE, FIRST_FILE + MOST_FILES) if k not in self._files)
        self._files[handle] = self._within().open(_bytes(words), int(words[_MODE]))
        return handle

    def _close(self, words: NDArray[numpy.uint32]) -> None:
        descriptor = self._file(int(words[_HANDLE]))
        del self._files[int(words[_HANDLE])]
        try:
            os.close(descriptor)
        except OSError as error:
            raise failure_of(error) from None

    def _seek(self, words: NDArray[numpy.uint32]) -> None:
        handle = int(words[_HANDLE])
        if handle < FIRST_FILE:
            raise HostFailureError(HostErrorCode.NOT_SEEKABLE)
        offset = _wide(words)
        if offset >= 1 << 63:
            offset -= 1 << 64
        if words[_MODE] > os.SEEK_END:
            raise HostFailureError(HostErrorCode.INVALID)
        try:
            position = os.lseek(self._file(handle), offset, int(words[_MODE]))
        except OSError as error:
            raise failure_of(error) from None
        _set_wide(words, position)

    def _remove(self, words: NDArray[numpy.uint32]) -> None:
        self._within().remove(_bytes(words))

    def _rename(self, words: NDArray[numpy.uint32]) -> None:
        old, separator, new = _bytes(words).partition(b"\0")
        if not separator:
            raise HostFailureError(HostErrorCode.INVALID)
        self._within().rename(old, new)

    def _look(self, words: NDArray[numpy.uint32]) -> int:
        found = self._within().look(_bytes(words))
        if stat.S_ISDIR(found.st_mode):
            _set_wide(words, 0)
            return 2
        if not stat.S_ISREG(found.st_mode):
            raise HostFailureError(HostErrorCode.REFUSED)
        _set_wide(words, found.st_size)
        return 1

    def _argument_count(self, words: NDArray[numpy.uint32]) -> int:
        return len(self._arguments)

    def _argument(self, words: NDArray[numpy.uint32]) -> int:
        number, first, count = int(words[_HANDLE]), _wide(words), _count(words)
        if number >= len(self._arguments):
            raise HostFailureError(HostErrorCode.INVALID)
        argument = self._arguments[number]
        part = argument[first : first + count]
        put_bytes(words, part)
        _set_wide(words, len(argument))
        return len(part)

    def _time(self, words: NDArray[numpy.uint32]) -> None:
        _set_wide(words, self._clock())

    def _elapsed(self, words: NDArray[numpy.uint32]) -> None:
        _set_wide(words, self._monotonic() - self._started)

    def _within(self) -> Folder:
        if self._folder is None:
            raise HostFailureError(HostErrorCode.NOT_FOUND)
        return self._folder

    def _file(self, handle: int) -> int:
        try:
            return self._files[handle]
        except KeyError:
            raise HostFailureError(HostErrorCode.BAD_HANDLE) from None

    # --- ends ------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Close the guest's files and measure the elapsed time anew. Streams go on."""
        self.close_files()
        self._started = self._monotonic()

    def close_files(self) -> None:
        """Close the guest's files."""
        while self._files:
            with contextlib.suppress(OSError):
                os.close(self._files.popitem()[1])


_COMMANDS: Final[dict[int, Callable[[Session, NDArray[numpy.uint32]], int | None]]] = {
    COMMANDS[name].number: do
    for name, do in {
        "READ": Session._read,
        "WRITE": Session._write,
        "OPEN": Session._open,
        "CLOSE": Session._close,
        "SEEK": Session._seek,
        "REMOVE": Session._remove,
        "RENAME": Session._rename,
        "ARGUMENTS": Session._argument_count,
        "ARGUMENT": Session._argument,
        "TIME": Session._time,
        "ELAPSED": Session._elapsed,
        "LOOK": Session._look,
    }.items()
}


def put_bytes(words: NDArray[numpy.uint32], data: bytes) -> None:
    """Put bytes at the start of the buffer; the last word is filled up with zeros."""
    padded = data + bytes(-len(data) % WORD_BYTES)
    words[_BUFFER : _BUFFER + len(padded) // WORD_BYTES] = numpy.frombuffer(padded, ">u4")


def _bytes(words: NDArray[numpy.uint32]) -> bytes:
    """The first COUNT bytes of the buffer."""
    count = _count(words)
    end = _BUFFER + -(-count // WORD_BYTES)
    return words[_BUFFER:end].astype(">u4").tobytes()[:count]


def _count(words: NDArray[numpy.uint32]) -> int:
    count = int(words[_COUNT])
    if count > BUFFER_BYTES:
        raise HostFailureError(HostErrorCode.INVALID)
    return count


def _wide(words: NDArray[numpy.uint32]) -> int:
    return int(words[_HIGH]) << 32 | int(words[_LOW])


def _set_wide(words: NDArray[numpy.uint32], value: int) -> None:
    words[_HIGH] = value >> 32 & 0xFFFF_FFFF
    words[_LOW] = value & 0xFFFF_FFFF


def _write_all(sink: ByteSink, data: bytes) -> None:
    """Write all of it: an unbuffered file may take a part."""
    while data:
        written = sink.write(data)
        if not isinstance(written, int) or written >= len(data):
            return
        data = data[written:]


class _TextSink:
    """A text stream without a binary file below it, as notebooks have them."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: bytes, /) -> None:
        self.stream.write(self._decoder.decode(data))

    def flush(self) -> None:
        self.stream.flush()


class _TextSource:
    """The same for input: handed on line by line, as UTF-8."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        if not self._rest:
            self._rest = self.stream.readline().encode()
        data, self._rest = self._rest[:size], self._rest[size:]
        return data
