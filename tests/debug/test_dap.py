"""The Debug Adapter Protocol, by its messages."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from lrvm_jit.debug import Debugger
from lrvm_tools.debugging.dap import DapHost, DapSession, ProtocolError
from lrvm_tools.images import load_program
from lrvm_tools.machines import default_machine
from tests.debug.machines import COUNTING


class Editor:
    """The other side: sends requests, and takes what comes."""

    def __init__(self, sink: BinaryIO, source: BinaryIO) -> None:
        self._sink, self._source = sink, source
        self.events: list[dict[str, Any]] = []
        self._number = 0

    def receive(self) -> dict[str, Any]:
        length = int(self._source.readline().split(b":")[1])
        assert self._source.readline() == b"\r\n"
        message: dict[str, Any] = json.loads(self._source.read(length))
        return message

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """The response; events before it are kept."""
        self._number += 1
        request = {"seq": self._number, "type": "request", "command": command}
        content = json.dumps({**request, "arguments": arguments}).encode()
        self._sink.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self._sink.flush()
        while (message := self.receive())["type"] != "response":
            self.events.append(message)
        assert (message["request_seq"], message["command"]) == (self._number, command)
        return message

    def wait(self, name: str) -> dict[str, Any]:
        """The body of the next event of a name."""
        while True:
            for number, event in enumerate(self.events):
                if event["event"] == name:
                    del self.events[: number + 1]
                    body: dict[str, Any] = event["body"]
                    return body
            self.events.append(self.receive())


@contextmanager
def editor(folder: Path, source: str) -> Iterator[Editor]:
    path = folder / "p.lasm"
    path.write_text(source)
    host = DapHost()
    to_adapter, to_editor = os.pipe(), os.pipe()
    with (
        default_machine(load_program(path), host=host) as machine,
        Debugger(machine.board, machine.program) as debugger,
        os.fdopen(to_adapter[0], "rb") as requests,
        os.fdopen(to_editor[1], "wb") as answers,
        os.fdopen(to_editor[0], "rb") as incoming,
    ):
        session = DapSession(debugger, host, requests, answers)
        thread = threading.Thread(target=session.serve)
        thread.start()
        with os.fdopen(to_adapter[1], "wb") as outgoing:
            yield Editor(outgoing, incoming)
        thread.join(20)
        assert not thread.is_alive()


LASM = COUNTING.replace("0x1000", "0x8000").replace("ac0, 0x8000", "ac0, 1\n    shl ac0, 16")
LASM = LASM.replace(
    "ssp, 0x1800", "ssp, 0\n    cpy ac1, 1\n    shl ac1, 16\n    add ac1, 0x100\n    cpy ssp, ac1"
)


def test_a_session(tmp_path: Path) -> None:
    """Breakpoints, stops, stack, variables, steps forward and back, the end."""
    with editor(tmp_path, LASM.replace("LAST", "3")) as client:
        assert client.ask("initialize")["body"]["supportsStepBack"]
        client.wait("initialized")
        assert client.ask("launch", stopOnEntry=True)["success"]
        source = {"path": str(tmp_path / "p.lasm")}
        line = next(n for n, text in enumerate(LASM.splitlines(), 1) if "wsa ac0" in text)
        answer = client.ask(
            "setBreakpoints",
            source=source,
            breakpoints=[{"line": line, "condition": "a0 == 2"}, {"line": 1000}],
        )
        verified, refused = answer["body"]["breakpoints"]
        assert (verified["verified"], verified["line"], refused["verified"]) == (True, line, False)
        answer = client.ask(
            "setFunctionBreakpoints", breakpoints=[{"name": "bump", "hitCondition": "2"}]
        )
        assert answer["body"]["breakpoints"][0]["verified"]
        client.ask("configurationDone")
        assert client.wait("stopped")["reason"] == "entry"
        assert client.ask("continue", threadId=1)["success"]
        assert client.wait("stopped")["reason"] == "breakpoint"
        frames = client.ask("stackTrace", threadId=1)["body"]["stackFrames"]
        assert [frame["name"] for frame in frames] == ["bump", "loop"]
        assert frames[0]["source"]["path"] == source["path"]
        registers = client.ask("variables", variablesReference=1)["body"]["variables"]
        assert registers[0] == {"name": "a0", "value": "0x00000001", "variablesReference": 0}
        assert client.ask("evaluate", expression="a0 + 1")["body"]["result"] == "2 (0x2)"
        failed = client.ask("evaluate", expression="a0 +")
        assert (failed["success"], "value is missing" in failed["message"]) == (False, True)
        client.ask("continue", threadId=1)
        assert client.wait("stopped")["reason"] == "breakpoint"
        assert client.ask("evaluate", expression="a0")["body"]["result"] == "2 (0x2)"
        client.ask("setFunctionBreakpoints", breakpoints=[])
        client.ask("stepBack", threadId=1)
        assert client.wait("stopped")["reason"] == "step"
        assert client.ask("evaluate", expression="a0")["body"]["result"] == "1 (0x1)"
        assert not client.ask("nonsense")["success"]
        client.ask("setBreakpoints", source=source, breakpoints=[])
        client.ask("continue", threadId=1)
        stopped = client.wait("stopped")
        assert (stopped["reason"], "Division by zero" in stopped["text"]) == ("exception", True)
        assert client.ask("exceptionInfo", threadId=1)["body"]["description"] == "Division by zero"
        assert client.ask("disconnect")["success"]


def test_pause_and_leave_while_it_runs(tmp_path: Path) -> None:
    with editor(tmp_path, "x: jp x") as client:
        client.ask("initialize")
        client.ask("launch")
        client.ask("configurationDone")
        assert not client.ask("stackTrace", threadId=1)["success"]
        client.ask("pause", threadId=1)
        assert client.wait("stopped")["reason"] == "pause"
        client.ask("continue", threadId=1)
        assert client.ask("disconnect")["success"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Content-Length: x\r\n\r\n", "no length"),
        (b"Content-Length: 99999999999\r\n\r\n", "no length"),
        (b"\r\n", "without Content-Length"),
        (b"Content-Length: 3\r\n\r\n{x}", "no JSON"),
        (b"Content-Length: 2\r\n\r\n[]", "no JSON object"),
    ],
)
def test_what_is_no_message(content: bytes, message: str, tmp_path: Path) -> None:
    import io

    (tmp_path / "p.lasm").write_text("halt")
    with (
        default_machine(load_program(tmp_path / "p.lasm")) as machine,
        Debugger(machine.board) as debugger,
    ):
        session = DapSession(debugger, DapHost(), io.BytesIO(content), io.BytesIO())
        with pytest.raises(ProtocolError, match=message):
            session.serve()
