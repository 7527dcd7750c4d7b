"""Running executables: from Python, and as programs of the shell."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lrvm_tools.executable import Executable, LineRow, MachineDescription, Symbol, SymbolKind
from lrvm_tools.machines import MachineError
from tests.executable.samples import RAM, program

ECHO = """
    cpy ac0, 0xffff
    shl ac0, 16
next:
    wsa ac0, 0x14, 0
    cpy a0, 4096
    wsa ac0, 0x18, a0
    wsa ac0, 0x00, 1
    lsa a0, ac0, 0x28
    cmp a0, 0
    ifeq
    jp done
    wsa ac0, 0x18, a0
    wsa ac0, 0x14, 1
    wsa ac0, 0x00, 2
    jp next
done:
    wsa ac0, 0x08, 0x21     ; ! to the standard error output
    cpy a0, 0x12a
    wsa ac0, 0x10, a0       ; the status: 0x2A, and more that is cut off
    halt
"""


def trapping(fault: str) -> Executable:
    """A program that runs into a fault, with a trap as C programs have it, and lines."""
    source = f"cpy ev, trap\ncpy ssp, 0x2000\ncpy a1, 7\njp work\ntrap:\nhalt\nwork:\n{fault}\nhalt"
    made = program(source, "faulty")
    size = 4 * len(made.words)
    symbols = (
        Symbol("__lrvm_trap", 16, 0, SymbolKind.FUNCTION),  # as labels of LASM are: no size
        Symbol("work", 20, size - 20, SymbolKind.FUNCTION),
        Symbol("main", 0, 16, SymbolKind.FUNCTION),
    )
    return dataclasses.replace(
        made,
        symbol_table=symbols,
        files=("faulty.c",),
        rows=(LineRow(0, 0, 1), LineRow(20, 0, 7, 3)),
    )


LOOP = "cpy ac0, 0xffff\nshl ac0, 16\nl:\nwsa ac0, 4, 0x78\nwsa ac0, 4, 0x0a\njp l"


# --- from Python ---------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["reference", "interpreter", "auto"])
def test_status_and_streams(engine: str) -> None:
    done = program(ECHO).run(stdin=b"\x00\xffabc", engine=engine)
    assert (done.status, done.stdout, done.stderr) == (0x2A, b"\x00\xffabc", b"!")
    assert done.fault is None


def test_the_cycle_limit() -> None:
    done = program("l: jp l").run(max_cycles=1000)
    assert (done.status, done.cycles) == (124, 1000)


@pytest.mark.parametrize(
    ("fault", "what", "at"),
    [
        ("div a1, 0, 0x10", "division by zero", 20),
        ("wsa 4, 0, a1", "store through a NULL pointer, to address 4", 20),
        ("cpy ac0, 0\nwea ac0, a0, 4", "store through a NULL pointer, to address 0", 24),
        ("cpy ac0, 3\nlsa a0, ac0, 4", "access to 0x00000007, which is no multiple of 4", 24),
        ("itr 6", "aborted", 20),
        ("itr 0x10", "access through a NULL pointer", 20),
        ("itr 0x11", "the stack has met the heap", 20),
        ("itr 0x12", "code was reached that the compiler took for unreachable", 20),
        ("call p\np: itr 0x13", "call of a NULL pointer", 20),
        ("itr 0x55", "interruption 0x0055", 20),
        ("hwd a0, 99, 0x20", "unknown component id 0x0063", 20),
        (
            "cpy ac0, 0xffff\nshl ac0, 16\nwsa ac0, 0, 77",
            "hardware exception: Unknown operation",
            28,
        ),
    ],
)
def test_faults_are_named_with_their_place(fault: str, what: str, at: int) -> None:
    done = trapping(fault).run()
    assert done.status == 134
    assert done.fault is not None
    assert done.fault.what.startswith(what)
    assert (done.fault.address, done.fault.function) == (at, "work")
    assert done.fault.where == f" in work at faulty.c:7 (address 0x{at:08X})"


def test_a_jump_to_nowhere() -> None:
    done = trapping("cpy ac0, 0x5000\njp ac0").run()
    assert str(done.fault) == (
        "exception 0x01: the program has jumped to where it has no code (address 0x00005000)"
    )


def test_a_fault_in_a_library_function_names_the_call() -> None:
    """Code without lines: what it was called from stands on the stack."""
    made = trapping("push a1\ncall 36\nhalt\nhalt\npush a0\nitr 6")
    made = dataclasses.replace(
        made,
        symbol_table=(*made.symbol_table, Symbol("abort", 36, 12, SymbolKind.FUNCTION)),
        rows=(*made.rows, LineRow(36, 0, 0)),
    )
    assert str(made.run().fault) == (
        "exception 0xF0: aborted in abort (address 0x00000028), called from work at faulty.c:7"
    )


def test_files_and_arguments(tmp_path: Path) -> None:
    source = """
        cpy ac0, 0xffff
        shl ac0, 16
        wsa ac0, 0x14, 1
        wsa ac0, 0x18, 50
        wsa ac0, 0x00, 9        ; ARGUMENT 1 becomes the path
        lsa a0, ac0, 0x28
        wsa ac0, 0x18, a0
        wsa ac0, 0x1c, 1
        wsa ac0, 0x00, 3        ; OPEN
        lsa a0, ac0, 0x28
        wsa ac0, 0x10, a0
        halt
    """
    (tmp_path / "file").write_bytes(b"")
    sample = program(source)
    assert sample.run(["file"], files=tmp_path).status == 3
    assert sample.run(["file"]).status == 0xFF
    assert sample.run(["../file"], files=tmp_path / "..").status == 0xFF


def test_a_lane_ends_as_a_machine_does() -> None:
    inputs = [b"", b"ab", b"x" * 5000]
    sample = program(ECHO)
    done = sample.run_batch(inputs)
    assert done.stdout == inputs
    assert done.stderr == [b"!"] * 3
    assert done.statuses.tolist() == [0x2A] * 3
    assert len(done) == 3
    faulty = trapping("div a1, 0, 0x10").run_batch(n=2)
    assert faulty.statuses.tolist() == [134] * 2
    assert [str(fault) for fault in faulty.faults] == [
        str(trapping("div a1, 0, 0x10").run().fault)
    ] * 2
    assert done.faults == [None] * 3
    assert sample.run_batch(b"abc", 2, max_cycles=10).statuses.tolist() == [124] * 2
    with pytest.raises(ValueError, match="how many machines"):
        sample.run_batch()


# --- the machine in the file ---------------------------------------------------------------------


def described(toml: str, is_own: bool = False) -> Executable:
    return dataclasses.replace(
        program("halt"), machine_description=MachineDescription(toml, "elsewhere", is_own)
    )


@pytest.mark.parametrize(
    "entry",
    [
        'type = "file"\npath = "/etc/passwd"',
        'type = "host"\nfolder = "/"\nwritable = true',
        'type = "ram"\nsize = 4\nimage = "/etc/passwd"',
        'type = "somebody-elses"\npath = "x"',
    ],
)
def test_a_program_from_elsewhere_names_no_files_of_the_host(entry: str) -> None:
    toml = f'[[component]]\ntype = "rom"\nsize = 4096\n[[component]]\n{entry}\n'
    with pytest.raises(MachineError, match=r"elsewhere: component 1: its .*--machine"):
        described(toml).machine()


def test_a_program_must_fit_its_machine() -> None:
    large = dataclasses.replace(
        program("halt\n" * 2000),
        machine_description=MachineDescription('[[component]]\ntype = "rom"\nsize = 4096\n'),
    )
    with pytest.raises(MachineError, match="8000 bytes does not fit the 4096 bytes of BootROM"):
        large.machine()


def test_the_size_of_ram() -> None:
    sample = program("halt", ram=0x1_0000)
    with sample.machine(ram=0x2_0000) as machine:
        mapping = machine.board.mappings.of(1)
        assert mapping is not None
        assert (mapping.first, mapping.last) == (RAM, RAM + 0x2_0000 - 4)
    for size in (0, 1000, 1 << 33):
        with pytest.raises(ValueError, match="bytes of RAM must be a multiple of 1024"):
            sample.machine(ram=size)
    with pytest.raises(ValueError, match="machine `c` only"):
        described('[[component]]\ntype = "rom"\n').machine(ram=4096)


# --- as programs of the shell --------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with programs."""
    path = tmp_path_factory.mktemp("programs")
    program(ECHO).save(path / "echo.elf")
    program(LOOP).save(path / "loop.elf")
    trapping("div a1, 0, 0x10").save(path / "faulty.elf")
    (path / "faulty.c").write_text("\n" * 6 + "  x = y / z;\n")
    damaged = bytearray((path / "echo.elf").read_bytes())
    damaged[0x80] ^= 1
    (path / "damaged.elf").write_bytes(damaged)
    return path


def lrvm(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "lrvm_tools", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        timeout=300,
        check=False,
    )


def test_bytes_pass_unchanged(folder: Path) -> None:
    data = bytes(range(256)) * 1000
    done = lrvm(folder, "run", "echo.elf", stdin=data)
    assert done.returncode == 0x2A
    assert done.stdout == data
    assert done.stderr == b"!"


def test_without_standard_input(folder: Path) -> None:
    command = f"{sys.executable} -m lrvm_tools run echo.elf <&-"
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0x2A, b"")


def test_faults_on_stderr(folder: Path) -> None:
    done = lrvm(folder, "run", "faulty.elf")
    assert done.returncode == 134
    assert done.stdout == b""
    assert done.stderr.decode() == (
        "lrvm: exception 0x0A: division by zero in work at faulty.c:7 (address 0x00000014)\n"
        "    x = y / z;\n"
    )
    assert lrvm(folder, "run", "--quiet", "faulty.elf").stderr == b""


def test_the_report_in_json(folder: Path) -> None:
    done = lrvm(folder, "run", "--json", "faulty.elf")
    report = json.loads(done.stdout)
    assert done.returncode == report["exit_code"] == 134
    assert report["fault"]["source"] == {"path": "faulty.c", "line": 7, "column": 3}
    assert json.loads(lrvm(folder, "run", "--json", "echo.elf", stdin=b"a").stdout)["output"] == "a"


def test_the_limit_of_cycles_on_the_command_line(folder: Path) -> None:
    done = lrvm(folder, "run", "loop.elf", "--max-cycles", "5")
    assert (done.returncode, done.stdout) == (124, b"x\n")
    assert b"the limit of 5 cycles was reached in start" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["damaged.elf"], "damaged.elf: the program in the file is damaged"),
        (["echo.elf", "--ram", "1000"], "--ram: 1000 bytes of RAM must be a multiple of 1024"),
        (["echo.elf", "--machine", "faulty.c"], "not valid TOML"),
    ],
)
def test_errors_of_the_tool_are_125(folder: Path, arguments: list[str], message: str) -> None:
    done = lrvm(folder, "run", *arguments)
    assert (done.returncode, done.stdout) == (125, b"")
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_full_disk(folder: Path) -> None:
    """What was still kept when the program ended is an error of the tool."""
    program("cpy ac0, 0xffff\nshl ac0, 16\nwsa ac0, 4, 0x78\nhalt").save(folder / "put.elf")
    command = f"{sys.executable} -m lrvm_tools run put.elf > /dev/full"
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 125
    assert done.stderr == b"lrvm: error: standard output: No space left on device\n"


def test_a_closed_pipe_ends_an_endless_program(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "lrvm_tools", "run", "loop.elf"], cwd=folder, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"x\n"
    process.stdout.close()
    assert process.wait(60) == 141


def test_ctrl_c(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "lrvm_tools", "run", "echo.elf"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"ab")
    process.stdin.flush()
    assert process.stdout.read(2) == b"ab"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"lrvm: interrupted in start" in errors
    assert b"Traceback" not in errors


def test_assembly_as_an_executable(folder: Path) -> None:
    (folder / "hello.lasm").write_text(
        'cpy ac0, 0xf000\nstart:\ncpy a0, "x"\nwsa ac0, a0\nwsa ac0, 0\nlimit = 5\nhalt'
    )
    assert lrvm(folder, "asm", "hello.lasm", "-o", "hello.elf").returncode == 0
    assert lrvm(folder, "run", "hello.elf").stdout == b"x\0"
    loaded = Executable.load(folder / "hello.elf")
    assert loaded.symbols == {"start": 4, "limit": 5}
    place = loaded.lines.locate(8)
    assert place is not None
    assert (place.path, place.line) == ("hello.lasm", 4)
    (folder / "large.lasm").write_text("halt\n" * 20_000)
    done = lrvm(folder, "asm", "large.lasm", "-o", "large.elf")
    assert done.returncode == 2
    assert b"80000 bytes" in done.stderr
    assert not (folder / "large.elf").exists()


def test_the_component_in_a_machine_file(folder: Path) -> None:
    (folder / "echo.lasm").write_text(ECHO)
    (folder / "machine.toml").write_text(
        '[[component]]\ntype = "rom"\n[[component]]\ntype = "host"\naddress = 0xFFFF_0000\n'
    )
    done = lrvm(folder, "run", "-q", "echo.lasm", "--machine", "machine.toml", stdin=b"\xffz")
    assert (done.returncode, done.stdout) == (0, b"\xffz")
    refused = lrvm(folder, "run", "echo.lasm", "--", "argument")
    assert refused.returncode == 2
    assert b"no component `host`" in refused.stderr


def test_options_that_go_together(folder: Path) -> None:
    for arguments in (["--writable", "echo.elf"], ["--ram", "1M", "echo.lasm"]):
        (folder / "echo.lasm").write_text(ECHO)
        assert lrvm(folder, "run", *arguments).returncode == 2
