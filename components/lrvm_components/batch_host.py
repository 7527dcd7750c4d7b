"""`Host` for the lanes of a batch.

Its own module, because the component's single form must not wait for what batches import.
"""

from __future__ import annotations

import errno
import io
import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy
from numpy.typing import NDArray

from lrvm_jit import Category, HardwareCode, HardwareError, Metadata, hardware_id
from lrvm_jit.batch import FINE, BatchComponent, PartlyServedError
from lrvm_jit.batch.lane_arrays import LaneArrays

from .host import Host, encoded
from .host_files import Folder
from .host_registers import SIZE, WINDOW, WINDOW_WORDS, offset_of
from .host_session import STATUS, STDERR, STDOUT, Session

_COMMAND, _OUT, _ERR, _IN = map(offset_of, ("COMMAND", "OUT", "ERR", "IN"))

LaneNumbers: TypeAlias = NDArray[numpy.int64]
Words: TypeAlias = NDArray[numpy.uint32]
Errors: TypeAlias = NDArray[numpy.int32]


class BatchHost(BatchComponent):
    """A `Host` for each lane, with inputs and outputs of its own.

    - `stdin`: the bytes that every lane reads, or a sequence with those of each lane.
    - `arguments`: the program's name and arguments, or `per_lane_arguments`, a sequence of such.
    - `folder`, `writable`: as for `Host`, the same for all lanes: what one lane writes, another
      reads, in no particular order.
    - `limit`: a lane that has put out so many bytes gets error NO_SPACE, and through OUT and ERR
      hardware error 0x30; None is no limit.

    `stdout(lane)` and `stderr(lane)` are what a lane has put out, `statuses` all exit statuses.
    The guest's RESET takes no output back; `Batch.reset` begins everything anew. Errors as for
    `Host`; ValueError if the sequences do not fit the number of lanes.
    """

    sees_lanes = False

    name = Host.name
    window = (WINDOW, WINDOW_WORDS)

    def __init__(
        self,
        stdin: bytes | Sequence[bytes] = b"",
        arguments: Iterable[str | bytes] = (),
        *,
        per_lane_arguments: Sequence[Iterable[str | bytes]] | None = None,
        folder: str | os.PathLike[str] | None = None,
        writable: bool = False,
        limit: int | None = None,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
        hw_id: int | None = None,
    ) -> None:
        if limit is not None and limit < 0:
            raise ValueError(f"limit is {limit}; it must be 0 or more, or None for no limit")
        self._metadata = Metadata(
            hardware_id(self.name) if hw_id is None else hw_id,
            SIZE,
            Category.PLATFORM_SPECIFIC,
            Host.type_code,
        )
        self._stdin = stdin
        self._arguments = encoded(arguments)
        self._own_arguments = (
            None
            if per_lane_arguments is None
            else [encoded(arguments) for arguments in per_lane_arguments]
        )
        self._folder = None if folder is None else Folder(folder, writable)
        self._limit = limit
        self._clocks = (clock, monotonic)
        self._n: int | None = None
        self._sessions: dict[int, Session] = {}
        self._outputs: dict[int, dict[int, _Collected]] = {STDOUT: {}, STDERR: {}}

    def metadata(self) -> Metadata:
        return self._metadata

    def plug_in(self, lanes: LaneArrays) -> None:
        """ValueError if it belongs to a batch already, or there is not one input for each lane."""
        if self._n is not None:
            raise ValueError(f"{self.name} already belongs to another batch; make a new one")
        for what, rows in (("inputs", self._stdin), ("arguments", self._own_arguments)):
            if rows is not None and not isinstance(rows, bytes) and len(rows) != lanes.n:
                raise ValueError(f"there are {what} for {len(rows)} lanes, but {lanes.n} lanes")
        self._n = lanes.n

    # --- results ---------------------------------------------------------------------------------

    @property
    def statuses(self) -> NDArray[numpy.uint32]:
        """The exit status of each lane: (n,) uint32, a copy."""
        return self.rows[:, STATUS].copy()

    def stdout(self, lane: int) -> bytes:
        """What a lane has put out. IndexError if there is no such lane."""
        return self._output(STDOUT, lane)

    def stderr(self, lane: int) -> bytes:
        """What a lane has put out as errors. IndexError if there is no such lane."""
        return self._output(STDERR, lane)

    def outputs(self) -> list[bytes]:
        """What each lane has put out."""
        return [self.stdout(lane) for lane in range(self._n or 0)]

    def _output(self, handle: int, lane: int) -> bytes:
        lane = range(self._n or 0)[lane]
        collected = self._outputs[handle].get(lane)
        return collected.getvalue() if collected else b""

    def texts(self) -> list[str]:
        """What each lane has put out, as UTF-8; U+FFFD for what is none."""
        return [output.decode(errors="replace") for output in self.outputs()]

    def clear(self) -> None:
        """Forget what the lanes have put out."""
        for sinks in self._outputs.values():
            for collected in sinks.values():
                collected.seek(0)
                collected.truncate()

    def load_texts(self, texts: Sequence[str]) -> None:
        """Let the first lanes read these texts as UTF-8, and all others nothing. Everything begins
        anew. Not during a run."""
        self.rewind()
        self._stdin = [text.encode() for text in texts] + [b""] * ((self._n or 0) - len(texts))

    # --- the lanes -------------------------------------------------------------------------------

    def _session(self, lane: int) -> Session:
        session = self._sessions.get(lane)
        if session is None:
            stdin = self._stdin if isinstance(self._stdin, bytes) else self._stdin[lane]
            own = self._own_arguments
            for sinks in self._outputs.values():
                sinks[lane] = _Collected(self._limit)
            self._sessions[lane] = session = Session(
                self._arguments if own is None else own[lane],
                io.BytesIO(stdin),
                self._outputs[STDOUT][lane],
                self._outputs[STDERR][lane],
                self._folder,
                *self._clocks,
            )
        return session

    def read(self, lanes: LaneNumbers, offsets: Words) -> tuple[Words, Errors]:
        words: Words = numpy.zeros(len(lanes), numpy.uint32)
        errors: Errors = numpy.full(len(lanes), FINE, numpy.int32)
        for number, (lane, offset) in enumerate(zip(lanes.tolist(), offsets.tolist(), strict=True)):
            try:
                if offset != _IN:
                    raise HardwareError(HardwareCode.NOT_READABLE)
                words[number] = self._session(lane).take_byte()
            except HardwareError as error:
                errors[number] = error.word
            except BaseException as error:
                raise PartlyServedError(number, words, errors) from error
        return words, errors

    def write(self, lanes: LaneNumbers, offsets: Words, words: Words) -> Errors:
        errors: Errors = numpy.full(len(lanes), FINE, numpy.int32)
        accesses = zip(lanes.tolist(), offsets.tolist(), words.tolist(), strict=True)
        for number, (lane, offset, word) in enumerate(accesses):
            try:
                if offset == _COMMAND:
                    self._session(lane).command(word, self.rows[lane])
                elif offset in (_OUT, _ERR):
                    self._session(lane).put_byte(STDOUT if offset == _OUT else STDERR, word)
                else:
                    raise HardwareError(HardwareCode.NOT_WRITABLE)
            except HardwareError as error:
                errors[number] = error.word
            except BaseException as error:
                raise PartlyServedError(number, errors=errors) from error
        return errors

    def reset(self, lanes: LaneNumbers) -> None:
        self.rows[lanes] = 0
        for lane in lanes.tolist():
            if lane in self._sessions:
                self._sessions[lane].reset()

    def rewind(self) -> None:
        self._close_sessions()
        for sinks in self._outputs.values():
            sinks.clear()

    def _close_sessions(self) -> None:
        for session in self._sessions.values():
            session.close_files()
        self._sessions.clear()

    def close(self) -> None:
        """Close the lanes' files and the folder. What lanes have put out stays."""
        self._close_sessions()
        if self._folder is not None:
            self._folder.close()


class _Collected(io.BytesIO):
    """Output that is kept, up to a limit in bytes."""

    def __init__(self, limit: int | None) -> None:
        super().__init__()
        self._limit = limit

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        """OSError ENOSPC beyond the limit; nothing is taken then."""
        if self._limit is not None and self.tell() + len(data) > self._limit:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)
