"""GDB's remote serial protocol, by its packets."""

from __future__ import annotations

import random
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lrvm_jit.debug import Debugger
from lrvm_jit.isa.table import REGISTER_NAMES
from lrvm_tools.debugging.gdb import Ending, GdbAddress, GdbSession, Packets
from lrvm_tools.images import load_program
from lrvm_tools.machines import Host, default_machine

COUNTING = """\
start:
    cpy ac0, 1
    shl ac0, 16
    cpy ssp, ac0
    add ssp, 0x800
loop:
    call bump
    wsa ac0, a0
    cmp a0, 9
    ifnq
    jp loop
    div a0, 0
bump:
    inc a0
    ret
"""
LOOP, STORE, COMPARE, DIVIDE, BUMP = 0x10, 0x14, 0x18, 0x24, 0x28
RAM = 0x10000


class Client:
    """The other side: sends packets, acknowledges those that come, and keeps texts."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._source = connection.makefile("rb")
        self.acknowledges = True
        self.texts = ""

    def raw(self, data: bytes) -> None:
        self._connection.sendall(data)

    def byte(self) -> bytes:
        return self._source.read(1)

    def send(self, content: bytes) -> None:
        self.raw(b"$%s#%02x" % (content, sum(content) & 0xFF))
        if self.acknowledges:
            assert self.byte() == b"+"

    def receive(self) -> bytes:
        """The next packet that is no text."""
        while True:
            assert self.byte() == b"$"
            content = b""
            while (byte := self.byte()) != b"#":
                content += byte
            assert int(self._source.read(2), 16) == sum(content) & 0xFF
            if self.acknowledges:
                self.raw(b"+")
            if content[:1] != b"O" or content == b"OK":
                return content
            self.texts += bytes.fromhex(content[1:].decode()).decode()

    def ask(self, content: bytes) -> bytes:
        self.send(content)
        return self.receive()

    def monitor(self, line: str) -> str:
        """What a `monitor` command shows."""
        self.texts = ""
        assert self.ask(b"qRcmd," + line.encode().hex().encode()) == b"OK"
        return self.texts

    def register(self, name: str) -> int:
        return int(self.ask(b"p%x" % REGISTER_NAMES.index(name)), 16)

    def close(self) -> None:
        self._source.close()
        self._connection.close()


@contextmanager
def serving(debugger: Debugger) -> Iterator[tuple[Client, list[Ending]]]:
    """A client of a session that runs in a thread, and how that has ended, afterwards."""
    here, there = socket.socketpair()
    endings: list[Ending] = []

    def serve() -> None:
        with there, there.makefile("rb") as source:
            endings.append(GdbSession(debugger, Packets(source, there.sendall)).serve())

    thread = threading.Thread(target=serve)
    thread.start()
    client = Client(here)
    try:
        yield client, endings
    finally:
        client.close()
        thread.join(20)
    assert not thread.is_alive()


@contextmanager
def program(folder: Path, source: str = COUNTING) -> Iterator[Debugger]:
    path = folder / "p.lasm"
    path.write_text(source)
    with (
        default_machine(load_program(path), host=Host()) as machine,
        Debugger(machine.board, machine.program) as debugger,
    ):
        yield debugger


@pytest.fixture
def debugger(tmp_path: Path) -> Iterator[Debugger]:
    with program(tmp_path) as made:
        yield made


@pytest.fixture
def client(debugger: Debugger) -> Iterator[Client]:
    with serving(debugger) as (made, _):
        yield made


def test_what_is_supported(client: Client) -> None:
    features = client.ask(b"qSupported:multiprocess+;vContSupported+").split(b";")
    for name in (b"QStartNoAckMode+", b"qXfer:features:read+", b"ReverseStep+", b"swbreak+"):
        assert name in features
    assert client.ask(b"vCont?") == b"vCont;c;C;s;S;t;r"
    assert client.ask(b"qC") == b"QC1"
    assert (client.ask(b"qfThreadInfo"), client.ask(b"qsThreadInfo")) == (b"m1", b"l")
    assert [client.ask(one) for one in (b"Hg0", b"Hc-1", b"T1", b"!")] == [b"OK"] * 4
    assert client.ask(b"T2").startswith(b"E")
    for unknown in (b"vMustReplyEmpty", b"qTStatus", b"vFile:setfs:0", b"Z9,0,4", b""):
        assert client.ask(unknown) == b"", unknown


def description(client: Client) -> ElementTree.Element:
    """The target description, in small pieces."""
    text = b""
    while True:
        piece = client.ask(b"qXfer:features:read:target.xml:%x,40" % len(text))
        text += piece[1:].replace(b"}\x03", b"#").replace(b"}\x04", b"$")
        if piece[:1] == b"l":
            return ElementTree.fromstring(text)


def test_the_description_names_the_registers(client: Client) -> None:
    found = description(client)
    assert found.find("architecture") is None
    registers = {int(one.get("regnum", "")): one.get("name") for one in found.iter("reg")}
    assert registers == dict(enumerate(REGISTER_NAMES))
    assert [one.get("name") for one in found.iter("field")][:2] == ["ZF", "CF"]
    assert client.ask(b"qXfer:features:read:other.xml:0,100") == b"E00"
    assert client.ask(b"qRegisterInfo16").startswith(b"name:pc;bitsize:32;offset:88;")
    assert client.ask(b"qRegisterInfo20") == b"E45"


def test_gdb_sees_the_registers_of_i386_besides(client: Client) -> None:
    client.ask(b"qSupported:swbreak+;xmlRegisters=i386,arm")
    found = description(client)
    architecture = found.find("architecture")
    assert architecture is not None
    assert architecture.text == "i386"
    numbers = {one.get("name"): int(one.get("regnum", "")) for one in found.iter("reg")}
    assert client.ask(b"s").startswith(b"T05")
    assert client.ask(b"p%x" % numbers["eip"]) == b"00000004"
    assert client.ask(b"p%x" % numbers["st0"]) == b"0" * 20
    values = client.ask(b"g")
    assert len(values) == 2 * (4 * 32 + 4 * 16 + 10 * 8 + 4 * 8)
    assert client.ask(b"P%x=00000010" % numbers["eip"]) == b"OK"
    assert client.register("pc") == LOOP
    assert client.ask(b"G" + values) == b"OK"
    assert client.register("pc") == 4
    assert client.ask(b"P%x=00000001" % numbers["eax"]).startswith(b"E")


def test_registers(client: Client) -> None:
    assert client.ask(b"P0=000000ff") == b"OK"
    values = bytes.fromhex(client.ask(b"g").decode())
    assert (len(values), values[:4]) == (128, b"\0\0\0\xff")
    changed = bytearray(values)
    changed[4:8] = b"\1\2\3\4"
    assert client.ask(b"G" + changed.hex().encode()) == b"OK"
    assert (client.register("a0"), client.register("a1")) == (0xFF, 0x01020304)
    for wrong in (b"P0=ff", b"P0=0000000g", b"P40=00000000", b"p20", b"p-1", b"px", b"p", b"G00"):
        assert client.ask(wrong).startswith(b"E"), wrong
    assert client.register("a0") == 0xFF


def test_memory(client: Client) -> None:
    assert client.ask(b"m0,4") == b"0c0a0001"
    assert client.ask(b"m1,2") == b"0a00"
    assert client.ask(b"M10000,4:12345678") == b"OK"
    assert client.ask(b"X10001,3:}\x03}]$"[:-1] + b"\xff") == b"OK"
    assert client.ask(b"m10000,8") == b"12237dff00000000"
    assert client.ask(b"X10000,0:") == b"OK"
    assert len(client.ask(b"m10000,ffff")) == 2 * 0x3FFF
    wrong = (
        b"m",
        b"m0",
        b"mx,4",
        b"m-4,4",
        b"m0,-4",
        b"mfffffffc,8",
        b"m100000000,4",
        b"m0x0,4,4",
        b"M10000,4:123",
        b"M10000,4:1234567z",
        b"M10000,2:12345678",
        b"X10000,4:ab",
        b"X10000",
    )
    for packet in wrong:
        assert client.ask(packet).startswith(b"E"), packet
    assert client.ask(b"m10000,4") == b"12237dff"


def test_components_are_not_asked(tmp_path: Path) -> None:
    """Looking at a keyboard's register would take a key."""
    with program(tmp_path, "halt") as debugger, serving(debugger) as (client, _):
        board = debugger.board
        plain = [board.memory.peek(one.first) is not None for one in board.mappings]
        address = next(
            one.first for one, is_plain in zip(board.mappings, plain, strict=True) if not is_plain
        )
        assert client.ask(b"m%x,4" % address) == b"E0e"
        assert client.ask(b"qSupported:error-message+")
        assert b"no plain memory" in client.ask(b"m%x,4" % address)


def test_breakpoints_and_steps(client: Client) -> None:
    client.ask(b"qSupported:swbreak+")
    assert client.ask(b"?") == b"T05thread:1;"
    assert client.ask(b"Z0,%x,4" % BUMP) == b"OK"
    assert client.ask(b"Z0,%x,4" % BUMP) == b"OK"
    assert client.ask(b"c") == b"T05thread:1;16:00000028;swbreak:;"
    assert client.ask(b"?") == b"T05thread:1;16:00000028;swbreak:;"
    assert client.ask(b"vCont;s:1") == b"T05thread:1;16:0000002c;"
    assert client.ask(b"s") == b"T05thread:1;16:00000014;"
    assert client.ask(b"vCont;c").endswith(b"swbreak:;")
    assert client.register("a0") == 1
    assert client.ask(b"vCont;r%x,%x:1" % (BUMP, COMPARE)) == b"T05thread:1;16:0000002c;"
    assert client.ask(b"vCont;r%x,%x:1;c" % (STORE, 0x40)) == b"T05thread:1;16:00000010;"
    assert client.ask(b"z0,%x,4" % BUMP) == b"OK"
    assert client.ask(b"z0,%x,4" % BUMP) == b"OK"
    assert client.ask(b"c").startswith(b"T08")
    assert "Division by zero" in client.texts
    assert "p.lasm:12  div a0, 0" in client.texts
    assert client.ask(b"s10") == b"T05thread:1;16:00000028;"
    for wrong in (
        b"cx",
        b"s1ffffffff",
        b"vCont;x",
        b"vCont;c:7",
        b"vCont;r1",
        b"Z0,1,4",
        b"Z0,,",
        b"Zx",
    ):
        assert client.ask(wrong).startswith(b"E"), wrong


def test_backward(client: Client) -> None:
    assert client.ask(b"bc") == b"T05thread:1;16:00000000;replaylog:begin;"
    client.ask(b"Z1,%x,4" % STORE)
    client.ask(b"c")
    client.ask(b"c")
    assert client.register("a0") == 2
    assert client.ask(b"bs") == b"T05thread:1;16:0000002c;"
    client.ask(b"bc")
    assert (client.register("pc"), client.register("a0")) == (STORE, 1)
    assert client.ask(b"bc").endswith(b"replaylog:begin;")


@pytest.mark.parametrize(("kind", "name"), [(2, b"watch"), (4, b"awatch")])
def test_watchpoints(client: Client, kind: int, name: bytes) -> None:
    assert client.ask(b"Z%x,10000,4" % kind) == b"OK"
    assert client.ask(b"c") == b"T05thread:1;16:00000018;%s:00010000;" % name
    assert "by loop+0x4 (0x00000014): p.lasm:8  wsa ac0, a0" in client.texts
    client.ask(b"c")
    assert client.ask(b"m10000,4") == b"00000002"
    assert client.ask(b"bc") == b"T05thread:1;16:00000014;%s:00010000;" % name
    assert client.ask(b"z%x,10000,4" % kind) == b"OK"
    assert client.ask(b"c").startswith(b"T08")
    for wrong in (b"Z2,10000", b"Z2,10000,ffffffff", b"Z2,ffffffffff,4"):
        assert client.ask(wrong).startswith(b"E"), wrong


def test_reads_are_watched(tmp_path: Path) -> None:
    source = "cpy ac0, 1\nshl ac0, 16\nwsa ac0, 4, 7\nlsa a0, ac0, 4\nhalt"
    with program(tmp_path, source) as debugger, serving(debugger) as (client, _):
        assert client.ask(b"Z3,10000,8") == b"OK"
        assert client.ask(b"c") == b"T05thread:1;16:00000010;rwatch:00010004;"
        client.ask(b"c")
        assert "The CPU is halted" in client.texts


def test_monitor_commands(client: Client) -> None:
    assert "break [LOCATION]" in client.monitor("help")
    assert "break [LOCATION]" in client.monitor("")
    assert client.monitor("break bump if a0 == 3").startswith("Breakpoint 1")
    moved = client.monitor("run")
    assert "p.lasm:14  inc a0" in moved
    assert "flush register-cache" in moved
    assert client.register("a0") == 3
    assert client.monitor("print a0 +").startswith("error: ")
    assert "detach" in client.monitor("quit")
    assert client.monitor("when 0x10000").startswith("Last change at position 21")
    assert client.ask(b"qRcmd,4") == b"E01"


def test_interrupting(tmp_path: Path) -> None:
    with program(tmp_path, "x: jp x") as debugger, serving(debugger) as (client, _):
        for _ in range(3):
            client.send(b"c")
            client.raw(b"\x03")
            assert client.receive() == b"T02thread:1;16:00000000;"
        client.send(b"vCont;r0,100:1")
        client.raw(b"\x03")
        assert client.receive() == b"T02thread:1;16:00000000;"
        client.raw(b"\x03")  # while nothing runs: nothing to interrupt
        assert client.ask(b"s") == b"T05thread:1;16:00000000;"
        client.send(b"qRcmd," + b"run".hex().encode())
        client.raw(b"\x03")
        assert client.receive() == b"OK"
        assert "Interrupted" in client.texts


def test_without_acknowledgements(client: Client) -> None:
    assert client.ask(b"QStartNoAckMode") == b"OK"
    client.acknowledges = False
    assert client.ask(b"m0,4") == b"0c0a0001"
    client.raw(b"$m0,4#00")
    assert client.receive() == b"E01"
    assert client.ask(b"m0,4") == b"0c0a0001"


def test_damaged_packets_are_asked_for_again(client: Client) -> None:
    for damaged in (b"$m0,4#00", b"$m0,4#zz", b"$X0,1:}#" + b"%02x" % (sum(b"X0,1:}") & 0xFF)):
        client.raw(damaged)
        assert client.byte() == b"-", damaged
    client.raw(b"$m0,\x00$m0")
    assert client.ask(b"m0,4") == b"0c0a0001"  # the packets before were cut short
    client.raw(b"-")
    assert client.receive() == b"0c0a0001"
    client.raw(b"noise")
    assert client.ask(b"m4,4") == b"5c0a1000"


def test_a_packet_that_is_too_long(client: Client) -> None:
    assert client.ask(b"m" + b"0" * 100_000 + b",4").startswith(b"E")
    assert client.ask(b"m0,4") == b"0c0a0001"


def test_hostile_packets_end_nothing(client: Client) -> None:
    """Whatever comes in, there is an answer, and the session goes on."""
    hostile = (
        b"qXfer:features:read:target.xml:",
        b"qXfer:features:read:target.xml:x,y",
        b"qXfer:features:read:target.xml:-1,10",
        b"qXfer:features:read:target.xml:ffffffffffff,10",
        b"qXfer:features:write:target.xml:0:x",
        b"qRegisterInfo",
        b"qRegisterInfo-1",
        b"T",
        b"H",
        b"Hgx",
        b"G",
        b"Z",
        b"z",
        b"z0",
        b"Z0,%s,4" % (b"f" * 5000),
        b"Z2,10000,%s" % (b"f" * 5000),
        b"vCont;",
        b"vCont;;;",
        b"vCont;r",
        b"vCont;rzz,1",
        b"\xff\xfe\x00",
        b"qRcmd,zz",
        b"qRcmd,ff",
    )
    for packet in hostile:
        assert client.ask(packet) is not None
        assert client.ask(b"m0,4") == b"0c0a0001", packet


def test_random_packets_end_nothing(client: Client) -> None:
    """Pieces of packets in any order, and damaged; none that runs the program for long."""
    rng = random.Random(5)
    heads = (b"qXfer:features:read:", b"qRegisterInfo", b"vCont;", b"vCont;r", b"H", b"T", b"g")
    more = (b"G", b"p", b"P", b"m", b"M", b"X", b"Z0", b"Z2", b"z0", b"s", b"bs", b"qRcmd,", b"?")
    parts = (b"0", b"10000", b"ffffffff", b",", b",4", b":", b";", b"=", b"-", b"_", b"zz", b" ")
    for _ in range(500):
        packet = rng.choice(heads + more) + b"".join(rng.choices(parts, k=rng.randrange(6)))
        if not packet.startswith((b"vCont;c", b"vCont;r0")):
            client.ask(packet)
    assert client.ask(b"m0,4") == b"0c0a0001"


def test_leaving(debugger: Debugger) -> None:
    with serving(debugger) as (client, endings):
        client.ask(b"Z0,%x,4" % BUMP)
        assert client.ask(b"D") == b"OK"
    assert endings == [Ending.DETACHED]
    assert not debugger.points
    with serving(debugger) as (client, endings):
        client.send(b"k")
    with serving(debugger) as (client, again):
        assert client.ask(b"vKill;1") == b"OK"
    assert endings == again == [Ending.KILLED]


def test_restarting(client: Client) -> None:
    client.ask(b"s")
    client.send(b"R00")
    assert client.register("pc") == 0
    client.ask(b"s")
    assert client.ask(b"vRun;") == b"T05thread:1;"
    assert client.register("pc") == 0


def test_a_client_that_is_gone(tmp_path: Path) -> None:
    """The run that nobody waits for ends."""
    with program(tmp_path, "x: jp x") as debugger:
        with serving(debugger) as (client, endings):
            client.send(b"c")
        assert endings == [Ending.LOST]
        assert debugger.step().kind == "step"


def test_a_browser_is_no_client(debugger: Debugger) -> None:
    """A page could send packets in the body of its request."""
    with serving(debugger) as (client, endings):
        client.raw(b"POST / HTTP/1.1\r\n\r\n$P0=00000001#c4")
        assert client.byte() == b""
    assert endings == [Ending.STRANGER]
    assert debugger.board.cpu.regs.a0 == 0


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("1234", "localhost", 1234), (":1", "localhost", 1), ("[::1]:5", "::1", 5), ("h:0", "h", 0)],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert GdbAddress.parse(text) == GdbAddress(host, port)


@pytest.mark.parametrize("text", ["", "x", "h:", "70000", "-1", "1.5", "²"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="PORT"):
        GdbAddress.parse(text)


@contextmanager
def command(folder: Path, where: str) -> Iterator[subprocess.Popen[str]]:
    """`lrvm debug --gdb`, in a process of its own."""
    (folder / "p.lasm").write_text(COUNTING)
    process = subprocess.Popen(
        [sys.executable, "-m", "lrvm_tools", "debug", "p.lasm", "--gdb", where],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_command_serves_clients_one_after_the_other(tmp_path: Path) -> None:
    with command(tmp_path, "0") as process:
        assert process.stderr is not None
        told = re.search(r"target remote localhost:(\d+)", process.stderr.readline())
        assert told is not None
        address = "localhost", int(told[1])
        client = Client(socket.create_connection(address))
        client.ask(b"s")
        client.close()
        assert "stands at position 1" in process.stderr.readline()
        stranger = socket.create_connection(address)
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert stranger.recv(1) == b""
        stranger.close()
        assert "did not speak" in process.stderr.readline()
        client = Client(socket.create_connection(address))
        assert client.register("pc") == 4
        client.send(b"k")
        client.close()
        assert process.wait(20) == 0


@pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is not installed")
def test_gdb_itself(tmp_path: Path) -> None:
    (tmp_path / "p.lasm").write_text(COUNTING)
    known = subprocess.run(
        ["gdb", "-nx", "-batch", "-ex", "set architecture"],
        capture_output=True,
        text=True,
        check=False,
    )
    if "i386" not in known.stdout + known.stderr:
        pytest.skip("this gdb has been built without i386, whose registers it would be shown")
    lines = (
        "set confirm off",
        "set endian big",
        f"target remote | {sys.executable} -m lrvm_tools debug --gdb - p.lasm",
        "break *0x28",
        "continue",
        'printf "%x %d\\n", $pc, $ssp == 0x107fc',
        "delete",
        "watch *(int*)0x10000",
        "continue",
        "reverse-stepi",
        'printf "%x %x\\n", $pc, *(int*)0',
        "monitor print a0 + 1",
        "kill",
    )
    options = [part for line in lines for part in ("-ex", line)]
    shown = subprocess.run(
        ["gdb", "-nx", "-batch", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "28 1\n" in shown.stdout, shown.stdout + shown.stderr
    assert "New value = 1" in shown.stdout
    assert "14 c0a0001\n" in shown.stdout
    assert "a0 + 1 = 2 (0x2)" in shown.stderr  # where GDB shows texts of the target
