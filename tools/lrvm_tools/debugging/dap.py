"""The debugger for editors: the Debug Adapter Protocol over a pair of byte streams.

Of the protocol (microsoft.github.io/debug-adapter-protocol), what a program on one CPU needs:
breakpoints by line, function and instruction, with conditions, hit counts and log messages; steps
and continuing, forward and back; stack, registers, flags and variables; evaluation. Requests are
answered in order by one thread; the machine runs in another, so that `pause` finds somebody.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Final

from lrvm_jit.debug import DebugError, Debugger, Event, EventKind, ExpressionError
from lrvm_jit.isa.table import REGISTER_NAMES, Flag

from ..machines import Host
from . import views
from .variables import variables_of

_LONGEST: Final = 1 << 24
"""Bytes of a message; longer ones are nobody's."""
_THREAD: Final = 1
_REGISTERS, _FLAGS, _LOCALS = 1, 2, 3
"""References of the scopes."""
_REASONS: Final = {
    EventKind.BREAKPOINT: "breakpoint",
    EventKind.WATCHPOINT: "data breakpoint",
    EventKind.EXCEPTION: "exception",
    EventKind.UNMAPPED: "exception",
    EventKind.ERROR: "exception",
    EventKind.START: "entry",
    EventKind.STOPPED: "pause",
    EventKind.INTERRUPTED: "pause",
}
_Arguments = dict[str, Any]


class ProtocolError(ValueError):
    """What comes in is no message of the protocol."""


class DapHost(Host):
    """The outside world of a machine that an editor debugs: its text are output events, and there
    is nothing to read."""

    def __init__(self) -> None:
        self.session: DapSession | None = None

    def show(self, text: str) -> None:
        if self.session is not None and text:
            self.session.event("output", {"category": "stdout", "output": text})

    def read_line(self) -> str:
        return ""

    def read_character(self) -> str:
        return ""


class DapSession:
    """A session of an editor with a debugger. `serve` returns when the editor leaves."""

    def __init__(self, debugger: Debugger, host: DapHost, source: BinaryIO, sink: BinaryIO) -> None:
        self._debugger = debugger
        self._source = source
        self._sink = sink
        self._sending = threading.Lock()
        self._number = 0
        self._lines: dict[str, list[int]] = {}
        self._functions: list[int] = []
        self._runner: threading.Thread | None = None
        self._is_running = False
        self._stops_on_entry = False
        self._variables = debugger.variables = variables_of(debugger)
        debugger.say = lambda text: host.show(f"{text}\n")
        host.session = self

    # --- messages --------------------------------------------------------------------------------

    def serve(self) -> None:
        """Answer requests until the editor leaves or its stream ends. ProtocolError."""
        while (request := self._read()) is not None:
            if request.get("type") != "request":
                continue
            command = str(request.get("command"))
            arguments = request.get("arguments") or {}
            try:
                body = self._answer(command, arguments)
            except (DebugError, ExpressionError) as error:
                self._respond(request, {"error": {"id": 1, "format": str(error)}}, str(error))
                continue
            except (KeyError, TypeError, ValueError) as error:
                text = f"{command}: {type(error).__name__}: {error}"
                self._respond(request, {"error": {"id": 2, "format": text}}, text)
                continue
            self._respond(request, body)
            self._after(command)
            if command in ("disconnect", "terminate"):
                break
        self._end_run()

    def _read(self) -> dict[str, Any] | None:
        length: int | None = None
        while True:
            line = self._source.readline(1000)
            if not line:
                return None
            name, _, value = line.partition(b":")
            if not line.strip():
                break
            if name.strip().lower() == b"content-length":
                if not value.strip().isdigit() or int(value) > _LONGEST:
                    raise ProtocolError(f"no length of a message: {value[:40]!r}")
                length = int(value)
        if length is None:
            raise ProtocolError("a message without Content-Length")
        content = self._source.read(length)
        if len(content) < length:
            return None
        try:
            message = json.loads(content)
        except ValueError as error:
            raise ProtocolError(f"a message that is no JSON: {error}") from None
        if not isinstance(message, dict):
            raise ProtocolError("a message that is no JSON object")
        return message

    def _send(self, message: dict[str, Any]) -> None:
        with self._sending:
            self._number += 1
            content = json.dumps({"seq": self._number, **message}).encode()
            self._sink.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
            self._sink.flush()

    def event(self, name: str, body: dict[str, Any]) -> None:
        """Tell the editor something."""
        self._send({"type": "event", "event": name, "body": body})

    def _respond(self, request: dict[str, Any], body: Any, message: str | None = None) -> None:
        answer = {
            "type": "response",
            "request_seq": request.get("seq", 0),
            "command": request.get("command", ""),
            "success": message is None,
            "body": body,
        }
        self._send(answer if message is None else {**answer, "message": message})

    # --- requests --------------------------------------------------------------------------------

    def _answer(self, command: str, arguments: _Arguments) -> Any:
        if command in self._WHILE_RUNNING:
            return self._WHILE_RUNNING[command](self, arguments)
        if command in _MOVES:
            self._run(_MOVES[command])
            return {"allThreadsContinued": True} if "ontinue" in command else None
        if command not in self._STANDING:
            raise DebugError(f"the request {command!r} is not known here")
        if self._is_running:
            raise DebugError("the program is running: pause it first")
        return self._STANDING[command](self, arguments)

    def _after(self, command: str) -> None:
        if command == "initialize":
            self.event("initialized", {})
        if command == "configurationDone":
            if self._stops_on_entry:
                self._stopped("entry", "")
            else:
                self._run(Debugger.run)

    def _initialize(self, arguments: _Arguments) -> Any:
        supported = (
            "ConfigurationDoneRequest",
            "FunctionBreakpoints",
            "ConditionalBreakpoints",
            "HitConditionalBreakpoints",
            "LogPoints",
            "StepBack",
            "EvaluateForHovers",
            "SetVariable",
            "ExceptionInfoRequest",
        )
        filters = [
            {"filter": "unhandled", "label": "Exceptions without a handler", "default": True},
            {"filter": "all", "label": "All exceptions", "default": False},
            {"filter": "unmapped", "label": "Unmapped addresses", "default": False},
        ]
        return {f"supports{name}": True for name in supported} | {
            "exceptionBreakpointFilters": filters
        }

    def _launch(self, arguments: _Arguments) -> Any:
        self._stops_on_entry = bool(arguments.get("stopOnEntry"))

    def _set_exceptions(self, arguments: _Arguments) -> Any:
        filters = arguments.get("filters", [])
        debugger = self._debugger
        debugger.catches = (
            "all" if "all" in filters else "unhandled" if "unhandled" in filters else "off"
        )
        debugger.catches_unmapped = "unmapped" in filters

    def _set_breakpoints(self, arguments: _Arguments) -> Any:
        path = str(arguments["source"].get("path") or arguments["source"].get("name", ""))
        for number in self._lines.pop(path, []):
            self._debugger.points.pop(number, None)
        wanted = arguments.get("breakpoints", [])
        made: list[int] = []
        answers = [self._breakpoint(f"{path}:{int(one['line'])}", one, made) for one in wanted]
        self._lines[path] = made
        return {"breakpoints": answers}

    def _set_functions(self, arguments: _Arguments) -> Any:
        for number in self._functions:
            self._debugger.points.pop(number, None)
        self._functions = []
        wanted = arguments.get("breakpoints", [])
        answers = [self._breakpoint(str(one["name"]), one, self._functions) for one in wanted]
        return {"breakpoints": answers}

    def _breakpoint(self, location: str, wanted: _Arguments, made: list[int]) -> Any:
        debugger = self._debugger
        try:
            hits = int(wanted.get("hitCondition") or 1)
            points = [
                debugger.break_at(
                    address,
                    wanted.get("condition") or None,
                    ignore=max(hits - 1, 0),
                    log=wanted.get("logMessage") or None,
                )
                for address in debugger.locate(location)
            ]
        except (DebugError, ExpressionError, ValueError) as error:
            return {"verified": False, "message": str(error)}
        made += [point.number for point in points]
        place = debugger.place(points[0].address)
        line = {} if place is None else {"line": place.line}
        return {"verified": True, "id": points[0].number, **line}

    def _threads(self, arguments: _Arguments) -> Any:
        return {"threads": [{"id": _THREAD, "name": "CPU"}]}

    def _stack(self, arguments: _Arguments) -> Any:
        frames = []
        for number, frame in enumerate(self._debugger.backtrace()):
            place = self._debugger.place(frame.pc if number == 0 else frame.pc - 4)
            shown: dict[str, Any] = {
                "id": number,
                "name": frame.function,
                "line": 0,
                "column": 0,
                "instructionPointerReference": f"0x{frame.pc:08X}",
            }
            if place is not None:
                shown["line"] = place.line
                shown["source"] = {"name": Path(place.path).name, "path": place.path}
            frames.append(shown)
        first = int(arguments.get("startFrame") or 0)
        count = int(arguments.get("levels") or 0) or len(frames)
        return {"stackFrames": frames[first : first + count], "totalFrames": len(frames)}

    def _scopes(self, arguments: _Arguments) -> Any:
        scopes = [("Registers", _REGISTERS), ("Flags", _FLAGS)]
        if self._variables is not None and not arguments.get("frameId"):
            scopes.insert(0, ("Locals", _LOCALS))
        return {
            "scopes": [
                {"name": name, "variablesReference": reference, "expensive": False}
                for name, reference in scopes
            ]
        }

    def _variables_of(self, arguments: _Arguments) -> Any:
        regs = self._debugger.board.cpu.regs
        match arguments["variablesReference"]:
            case 1:
                rows = [(name, f"0x{regs[name]:08X}") for name in REGISTER_NAMES]
            case 2:
                rows = [(flag.name, str(int(bool(regs.af & flag.mask)))) for flag in Flag]
            case 3 if self._variables is not None:
                rows = [(one.name, text) for one, text in self._variables.locals()]
            case other:
                raise DebugError(f"there are no variables {other}")
        return {
            "variables": [
                {"name": name, "value": value, "variablesReference": 0} for name, value in rows
            ]
        }

    def _set_variable(self, arguments: _Arguments) -> Any:
        name, text = str(arguments["name"]), str(arguments["value"])
        self._debugger.set(name, self._debugger.evaluate(text))
        return {"value": f"0x{self._debugger.evaluate(name):08X}"}

    def _evaluate(self, arguments: _Arguments) -> Any:
        text = str(arguments["expression"])
        if self._variables is not None and self._variables.knows(text):
            return {"result": self._variables.evaluate(text), "variablesReference": 0}
        return {
            "result": views.number_text(self._debugger.evaluate(text)),
            "variablesReference": 0,
        }

    def _exception(self, arguments: _Arguments) -> Any:
        exception = self._debugger.board.cpu.exception
        return {
            "exceptionId": "none" if exception is None else f"0x{exception.code:02X}",
            "description": str(exception),
            "breakMode": "always",
        }

    def _pause(self, arguments: _Arguments) -> Any:
        if self._is_running:
            self._debugger.interrupt()

    def _leave(self, arguments: _Arguments) -> Any:
        self._end_run()

    # --- running ---------------------------------------------------------------------------------

    def _end_run(self) -> None:
        runner = self._runner
        while runner is not None and runner.is_alive():
            self._debugger.interrupt()
            runner.join(0.05)

    def _run(self, move: Callable[[Debugger], Event]) -> None:
        if self._is_running:
            raise DebugError("the program is running already")
        self._is_running = True

        def run() -> None:
            try:
                event = move(self._debugger)
            except DebugError as error:
                self._is_running = False
                self._stopped("step", str(error))
                return
            # Before the editor hears of it: its next request may be there at once.
            self._is_running = False
            if event.kind is EventKind.HALTED:
                self.event("exited", {"exitCode": 0})
                self.event("terminated", {})
            else:
                text = views.event_text(self._debugger, event)
                self._stopped(_REASONS.get(event.kind, "step"), text)

        self._runner = threading.Thread(target=run, name="machine")
        self._runner.start()

    def _stopped(self, reason: str, text: str) -> None:
        self.event(
            "stopped",
            {"reason": reason, "threadId": _THREAD, "allThreadsStopped": True, "text": text},
        )

    _WHILE_RUNNING: ClassVar[dict[str, Callable[[DapSession, _Arguments], Any]]] = {
        "initialize": _initialize,
        "threads": _threads,
        "pause": _pause,
        "disconnect": _leave,
        "terminate": _leave,
    }
    _STANDING: ClassVar[dict[str, Callable[[DapSession, _Arguments], Any]]] = {
        "launch": _launch,
        "attach": _launch,
        "configurationDone": lambda session, arguments: None,
        "setBreakpoints": _set_breakpoints,
        "setFunctionBreakpoints": _set_functions,
        "setExceptionBreakpoints": _set_exceptions,
        "stackTrace": _stack,
        "scopes": _scopes,
        "variables": _variables_of,
        "setVariable": _set_variable,
        "evaluate": _evaluate,
        "exceptionInfo": _exception,
    }


def _line(step: Callable[[Debugger], Event]) -> Callable[[Debugger], Event]:
    """Steps to another source line; a single one where no line is known."""

    def move(debugger: Debugger) -> Event:
        here = debugger.place(debugger.pc)
        while True:
            event = step(debugger)
            place = debugger.place(debugger.pc)
            stands = event.kind in (EventKind.STEP, EventKind.LOCATION)
            if not stands or here is None or (place is not None and place != here):
                return event

    return move


_MOVES: Final[dict[str, Callable[[Debugger], Event]]] = {
    "continue": Debugger.continue_,
    "next": _line(Debugger.next),
    "stepIn": _line(Debugger.step),
    "stepOut": Debugger.finish,
    "stepBack": _line(Debugger.rnext),
    "reverseContinue": Debugger.rcontinue,
}
