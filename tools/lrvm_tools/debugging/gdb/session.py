"""A session of GDB, or another client of its remote serial protocol, with a debugger.

The client's breakpoints, watchpoints and steps are the debugger's own, forward and backward; its
`monitor` commands are those of `lrvm debug`. Packets are answered in order by one thread; another
one reads them, so that Ctrl-C finds somebody while the program runs.
"""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from functools import partial
from typing import ClassVar, Final

from lrvm_jit import HardwareError
from lrvm_jit.debug import DebugError, Debugger, Event, EventKind, ExpressionError, ReplayError
from lrvm_jit.isa.table import Reg

from .. import views
from ..commands import CommandError, Commands, Quit
from .memory import read_memory, write_memory
from .packets import PACKET_SIZE, Packets, Received, escaped
from .points import ClientPoints
from .registers import I386Registers, Registers
from .replies import Refused, reason_of, signal_of

_MOVES: Final = re.compile(rb"[csCS]|vCont;|b[cs]$|qRcmd,|vRun|R")
"""Packets that run the program, or may: until they are answered, Ctrl-C is for it."""
_CHUNK: Final = PACKET_SIZE // 2 - 1
"""Bytes that a packet holds in hexadecimal."""
_THREADS: Final = (-1, 0, 1)
"""Any thread, whichever there is, and the one that there is."""
_QUIET: Final = (EventKind.STEP, EventKind.LOCATION, EventKind.BREAKPOINT, EventKind.INTERRUPTED)
"""Events of which the client has more to say than their text."""


class Ending(Enum):
    """How a session ended."""

    LOST = "lost"
    """The client has closed the connection."""
    DETACHED = "detached"
    KILLED = "killed"
    STRANGER = "stranger"
    """What came in was not the protocol."""


class GdbSession:
    """Answers a client's packets. `serve` returns when it leaves.

    `interrupt` ends what is in progress in the debugger, from another thread.
    """

    def __init__(
        self, debugger: Debugger, packets: Packets, interrupt: Callable[[], None] | None = None
    ) -> None:
        self._debugger = debugger
        self._commands = Commands(debugger)
        self._packets = packets
        self._interrupt = interrupt or debugger.interrupt
        self._points = ClientPoints(debugger)
        self._registers = Registers(debugger)
        self._received: queue.Queue[bytes | Received] = queue.Queue()
        self._moves = 0
        """Packets that have been received and may run the program, and are not answered yet."""
        self._counting = threading.Lock()
        self._is_interrupted = False
        self._takes_texts = False
        """Whether the client understands errors that are texts."""
        self._takes_reasons = False
        self._ending: Ending | None = None
        self._position = debugger.position
        self._stopped = b"T05thread:1;"

    # --- receiving and answering -----------------------------------------------------------------

    def serve(self) -> Ending:
        """Answer packets until the client leaves."""
        say, self._debugger.say = self._debugger.say, self._say
        reader = threading.Thread(target=self._read, name="gdb", daemon=True)
        reader.start()
        try:
            while self._ending is None:
                self._take(self._received.get())
        except OSError:
            self._ending = Ending.LOST
        finally:
            self._debugger.say = say
            self._points.clear()
        return self._ending

    def _read(self) -> None:
        """In a thread: receive packets."""
        while True:
            received = self._packets.receive()
            if received is Received.INTERRUPT or received is Received.END:
                with self._counting:
                    if self._moves:
                        self._is_interrupted = True
                        self._interrupt()
            elif isinstance(received, bytes) and _MOVES.match(received):
                with self._counting:
                    self._moves += 1
            if received is not Received.INTERRUPT:
                self._received.put(received)
            if received is Received.END or received is Received.STRANGER:
                return

    def _take(self, received: bytes | Received) -> None:
        match received:
            case Received.END:
                self._ending = Ending.LOST
            case Received.STRANGER:
                self._ending = Ending.STRANGER
            case Received.TOO_LONG:
                self._packets.send(self._error(Refused(f"more than {PACKET_SIZE} bytes")))
            case bytes():
                answer = self._answered(received)
                if received == b"QStartNoAckMode":
                    # Before the answer: the client's next packet may follow it at once.
                    self._packets.acknowledges = False
                if answer is not None:
                    self._packets.send(answer)
            case _:
                self._packets.send(self._error(Refused("the packet's sum is wrong")))

    def _answered(self, packet: bytes) -> bytes | None:
        try:
            return self._answer(packet)
        except Refused as refused:
            return self._error(refused)
        except (DebugError, ExpressionError, HardwareError) as error:
            return self._error(Refused(str(error), 14))
        except ValueError as error:
            return self._error(Refused(f"{packet[:20]!r} is not understood: {error}"))
        except ReplayError as error:
            return self._error(Refused(str(error)))
        finally:
            if _MOVES.match(packet):
                with self._counting:
                    self._moves -= 1
                    self._is_interrupted = self._debugger.history.interrupted = False

    def _error(self, refused: Refused) -> bytes:
        if self._takes_texts:
            return b"E." + escaped(str(refused).encode())
        return b"E%02x" % refused.number

    def _answer(self, packet: bytes) -> bytes | None:
        for prefix, answer in self._PACKETS.items():
            if packet.startswith(prefix):
                return answer(self, packet[len(prefix) :])
        return b""  # which says: not supported

    # --- what the client may ask -----------------------------------------------------------------

    def _supported(self, rest: bytes) -> bytes:
        features = rest.removeprefix(b":").split(b";")
        self._takes_texts = b"error-message+" in features
        self._takes_reasons = b"swbreak+" in features
        # GDB says this, and nobody else who knows descriptions of i386.
        if self._takes_reasons and any(
            b"i386" in one for one in features if one.startswith(b"xmlRegisters=")
        ):
            self._registers = I386Registers(self._debugger)
        return (
            b"PacketSize=%x;QStartNoAckMode+;qXfer:features:read+;vContSupported+;"
            b"ReverseStep+;ReverseContinue+;swbreak+;hwbreak+;error-message+" % PACKET_SIZE
        )

    def _features(self, rest: bytes) -> bytes:
        name, _, part = rest.rpartition(b":")
        if name != b"target.xml":
            raise Refused(f"there is no {name.decode('latin-1')!r}, only target.xml", 0)
        first, size = _pair(part)
        text = self._registers.description()
        piece = text[first : first + min(size, _CHUNK)]
        return (b"m" if first + len(piece) < len(text) else b"l") + escaped(piece)

    def _register_information(self, rest: bytes) -> bytes:
        found = self._registers.information(_number(rest))
        if found is None:
            raise Refused("there are no more registers", 0x45)
        return found.encode()

    def _is_thread(self, rest: bytes) -> bytes:
        if int(rest, 16) not in _THREADS:
            raise Refused("the CPU is thread 1, and the only one")
        return b"OK"

    def _select(self, rest: bytes) -> bytes:
        return self._is_thread(rest[1:] or b"1")

    # --- registers and memory --------------------------------------------------------------------

    def _all_registers(self, rest: bytes) -> bytes:
        return self._registers.all().hex().encode()

    def _set_registers(self, rest: bytes) -> bytes:
        self._registers.set_all(_unhex(rest))
        return b"OK"

    def _register(self, rest: bytes) -> bytes:
        return self._registers.one(_number(rest)).hex().encode()

    def _set_register(self, rest: bytes) -> bytes:
        number, _, value = rest.partition(b"=")
        self._registers.set(_number(number), _unhex(value))
        return b"OK"

    def _memory(self, rest: bytes) -> bytes:
        address, size = _extent(rest)
        data = read_memory(self._debugger, address, min(size, _CHUNK))
        if size and not data:
            raise Refused(f"0x{address:08X} is no plain memory that may be looked at", 14)
        return data.hex().encode()

    def _set_memory(self, rest: bytes) -> bytes:
        where, _, digits = rest.partition(b":")
        return self._write(*_extent(where), _unhex(digits))

    def _set_binary(self, rest: bytes) -> bytes:
        where, _, data = rest.partition(b":")
        return self._write(*_extent(where), data)

    def _write(self, address: int, size: int, data: bytes) -> bytes:
        if len(data) != size:
            raise Refused(f"{len(data)} bytes came, {size} were announced")
        write_memory(self._debugger, address, data)
        return b"OK"

    # --- points ----------------------------------------------------------------------------------

    def _insert(self, rest: bytes) -> bytes:
        return self._points.insert(rest)

    def _remove(self, rest: bytes) -> bytes:
        return self._points.remove(rest)

    # --- moving ----------------------------------------------------------------------------------

    def _go_from(self, move: Callable[[], Event], rest: bytes) -> bytes:
        """Move, from an address if one is given."""
        if rest:
            self._registers.set(Reg.PC, _extent(rest + b",0")[0].to_bytes(4, "big"))
        return self._moved(move)

    def _continue(self, rest: bytes) -> bytes:
        return self._go_from(self._debugger.continue_, rest)

    def _step(self, rest: bytes) -> bytes:
        return self._go_from(self._debugger.step, rest)

    def _continue_with(self, rest: bytes) -> bytes:
        # The program knows no signals: there is none to deliver.
        return self._continue(rest.partition(b";")[2])

    def _step_with(self, rest: bytes) -> bytes:
        return self._step(rest.partition(b";")[2])

    def _actions(self, rest: bytes) -> bytes:
        """`vCont`: the first action that is for the thread that there is."""
        for text in rest.split(b";"):
            action, _, thread = text.partition(b":")
            if thread and int(thread, 16) not in _THREADS:
                continue
            match action[:1]:
                case b"c" | b"C":
                    return self._moved(self._debugger.continue_)
                case b"s" | b"S":
                    return self._moved(self._debugger.step)
                case b"r":
                    return self._moved(partial(self._leave, *_pair(action[1:])))
                case b"t":
                    return self._stopped
            raise Refused(f"there is no action {action.decode('latin-1')!r}")
        raise Refused("no action is for thread 1")

    def _leave(self, first: int, end: int) -> Event:
        """Step until the program counter is not from `first` on and before `end`."""
        event = self._debugger.step()
        while event.kind is EventKind.STEP and first <= self._debugger.pc < end:
            if self._is_interrupted:
                return replace(event, kind=EventKind.INTERRUPTED)
            event = self._debugger.step()
        return event

    def _step_back(self, rest: bytes) -> bytes:
        return self._moved(self._debugger.rstep)

    def _continue_back(self, rest: bytes) -> bytes:
        return self._moved(self._debugger.rcontinue)

    def _moved(self, move: Callable[[], Event]) -> bytes:
        event = move()
        self._position = event.position
        if event.kind is EventKind.WATCHPOINT and event.change is not None:
            self._say("\n".join(views.change_lines(self._debugger, event.change)))
        elif event.kind not in _QUIET:
            self._say(views.event_text(self._debugger, event))
        return self._stop(event)

    def _stop(self, event: Event) -> bytes:
        pc = self._registers.one(Reg.PC).hex().encode()
        reason = reason_of(event, self._points, self._takes_reasons)
        self._stopped = b"T%02xthread:1;%02x:%s;%s" % (signal_of(event), Reg.PC, pc, reason)
        return self._stopped

    def _why(self, rest: bytes) -> bytes:
        return self._stopped

    def _restart(self, rest: bytes) -> bytes:
        self._debugger.restart()
        self._stopped = b"T05thread:1;"
        return self._stopped

    def _restart_without_answer(self, rest: bytes) -> None:
        self._restart(rest)

    # --- monitor commands ------------------------------------------------------------------------

    def _monitor(self, rest: bytes) -> bytes:
        line = _unhex(rest).decode("utf-8", "replace")
        try:
            text = self._commands.execute(line or "help")
        except CommandError as error:
            text = f"error: {error}"
        except Quit:
            text = "`detach`, `disconnect` or `kill` end the session"
        if self._debugger.position != self._position:
            self._position = self._debugger.position
            text += "\n(`maintenance flush register-cache` shows GDB where the program is now)"
        self._say(text)
        return b"OK"

    def _say(self, text: str) -> None:
        if text:
            self.show(f"{text}\n")

    def show(self, text: str) -> None:
        """Show a text at the client's, which is allowed while it waits for an answer."""
        data = text.encode()
        for at in range(0, len(data), _CHUNK):
            self._packets.send(b"O" + data[at : at + _CHUNK].hex().encode())

    # --- leaving ---------------------------------------------------------------------------------

    def _detach(self, rest: bytes) -> bytes:
        self._ending = Ending.DETACHED
        return b"OK"

    def _kill(self, rest: bytes) -> None:
        self._ending = Ending.KILLED

    def _kill_process(self, rest: bytes) -> bytes:
        self._ending = Ending.KILLED
        return b"OK"

    _PACKETS: ClassVar[dict[bytes, Callable[[GdbSession, bytes], bytes | None]]] = {
        b"qSupported": _supported,
        b"qXfer:features:read:": _features,
        b"qRegisterInfo": _register_information,
        b"qHostInfo": lambda session, rest: b"endian:big;ptrsize:4;",
        b"QStartNoAckMode": lambda session, rest: b"OK",
        b"qfThreadInfo": lambda session, rest: b"m1",
        b"qsThreadInfo": lambda session, rest: b"l",
        b"qThreadExtraInfo": lambda session, rest: b"CPU".hex().encode(),
        b"qAttached": lambda session, rest: b"1",
        b"qSymbol": lambda session, rest: b"OK",
        b"qRcmd,": _monitor,
        b"qC": lambda session, rest: b"QC1" if not rest else b"",
        b"vCont?": lambda session, rest: b"vCont;c;C;s;S;t;r",
        b"vCont;": _actions,
        b"vKill;": _kill_process,
        b"vRun": _restart,
        b"!": lambda session, rest: b"OK",
        b"?": _why,
        b"H": _select,
        b"T": _is_thread,
        b"g": _all_registers,
        b"G": _set_registers,
        b"p": _register,
        b"P": _set_register,
        b"m": _memory,
        b"M": _set_memory,
        b"X": _set_binary,
        b"Z": _insert,
        b"z": _remove,
        b"c": _continue,
        b"C": _continue_with,
        b"s": _step,
        b"S": _step_with,
        b"bs": _step_back,
        b"bc": _continue_back,
        b"R": _restart_without_answer,
        b"D": _detach,
        b"k": _kill,
    }
    """By the beginnings of packets; of two that fit, the longer one stands first."""


def _unhex(digits: bytes) -> bytes:
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        raise Refused("there is something else than hexadecimal digits") from None


def _number(digits: bytes) -> int:
    number = int(digits, 16)
    if number < 0:
        raise Refused(f"{number} is negative")
    return number


def _pair(text: bytes) -> tuple[int, int]:
    """Two numbers with a comma between them."""
    first, second = map(_number, text.split(b","))
    return first, second


def _extent(text: bytes) -> tuple[int, int]:
    """An address and a size."""
    address, size = _pair(text)
    if address >> 32 or address + size > 1 << 32:
        raise Refused(f"{size} bytes at {address:#x} are not within 32 bits")
    return address, size
