"""The examples show what they promise, as a user runs them."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from lrvm_tools.cli.app import cli

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
BRAINFUCK = EXAMPLES / "brainfuck"


def run(*arguments: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(cli, ["run", "-q", *map(str, arguments)], input=stdin)


def output(*arguments: str | Path, stdin: str = "") -> str:
    result = run(*arguments, stdin=stdin)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def load(name: str) -> ModuleType:
    """An example's Python file as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / name / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_listed() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    listed = set(re.findall(r"^\| \[(\w+)\]\(", (EXAMPLES / "README.md").read_text(), re.M))
    assert listed == folders - {"__pycache__"}


def test_links_of_the_list() -> None:
    links = re.findall(r"\]\(([^)]+)\)", (EXAMPLES / "README.md").read_text())
    assert [link for link in links if not (EXAMPLES / link).is_file()] == []


def test_hello_world() -> None:
    text = output(EXAMPLES / "hello_world" / "hello_world.lasm")
    assert text == "Hello, world! Здравствуй, мир! 你好，世界！\n"


def test_minimal(capsys: pytest.CaptureFixture[str]) -> None:
    assert load("minimal").main() == 42
    assert capsys.readouterr().out == "halted after 3 cycles, a0 = 42\n"


def test_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    benchmark = load("benchmark")
    assert benchmark.measure("auto", 3) > 0
    # So many primes are below 8192, however often they are looked for.
    assert capsys.readouterr().out == "1028\n"


def test_hardware_detection() -> None:
    text = output(EXAMPLES / "hardware_detection" / "hardware_detection.lasm")
    assert text.splitlines() == [
        "0 BootROM: 0x00000000-0x0000EFFF, 61440 bytes",
        "1 RAM: 0x00010000-0x0010FFFF, 1048576 bytes",
        "2 Character Display: 0x0000F000-0x0000F003, 4 bytes",
        "3 Synchronous Character Keyboard: 0x0000F010-0x0000F017, 8 bytes",
        "4 Realtime Clock: 0x0000F020-0x0000F037, 24 bytes",
        "5 Basic Debug Interface: 0x0000F040-0x0000F07F, 64 bytes",
        "6 Number Display: 0x0000F080-0x0000F0BF, 64 bytes",
        "7 Synchronous Line Keyboard: 0x0000F400-0x0000F7FF, 1024 bytes",
        "8 Buffered Display: 0x0000F800-0x0000FFFF, 2048 bytes",
    ]


def test_hardware_detection_on_another_machine() -> None:
    lines = output("--machine", EXAMPLES / "hardware_detection" / "machine.toml").splitlines()
    assert lines[1] == "1 RAM: 0x00100000-0x0010FFFF, 65536 bytes"
    assert lines[5:] == ["5 Flash Memory:, 1024 bytes"]


def test_elapsed_time(capsys: pytest.CaptureFixture[str]) -> None:
    elapsed_time = load("elapsed_time")
    looks = 0
    clock = elapsed_time.fast_clock()

    def counted() -> int:
        nonlocal looks
        looks += 1
        return int(clock())

    elapsed_time.main(counted)
    assert capsys.readouterr().out == "1\n2\n3\n"
    assert looks == pytest.approx(300, abs=5)  # three seconds at 10 ms a look


def test_async_counter(capsys: pytest.CaptureFixture[str]) -> None:
    load("async_counter").main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "The counter is running.",
        "It has counted far enough, and stands still.",
    ]
    assert re.fullmatch(r"\[lrvm\] Cycle 0x[0-9A-F]{8}: CPU halted at address 0x\w+", lines[2])


def test_async_counter_ends_its_thread() -> None:
    counter = load("async_counter").Counter(interval=0.001)
    counter.write(4, 1)
    assert counter.thread.is_alive()
    counter.close()
    assert not counter.thread.is_alive()


def test_disassemble(capsys: pytest.CaptureFixture[str]) -> None:
    load("disassemble").main()
    text = capsys.readouterr().out
    assert "jp 0xc                                  ; 0x00000018" in text
    assert "    call sub_0020                       ; 0x0000000c" in text
    assert r'    #d "There is text in here.\n", 0x00 ; 0x0000002c' in text
    assert "; 0x0010 -> 0x001c skip" in text


def test_four_processors(capsys: pytest.CaptureFixture[str]) -> None:
    load("four_processors").main()
    # Gauss: 1600 * 1601 / 2
    assert capsys.readouterr().out == (
        "threads, over channels: 1280800\n"
        "threads, as plain memory: 1280800\n"
        "cooperative, over channels: 1280800\n"
        "cooperative, as plain memory: 1280800\n"
    )


@pytest.mark.parametrize("scheduler", ["threads", "cooperative"])
@pytest.mark.parametrize("direct", [False, True])
def test_four_processors_add_up_anything(scheduler: str, direct: bool) -> None:
    numbers = [(k * 2654435761) & 0xFFFF_FFFF for k in range(480)]
    total = load("four_processors").add_up(numbers, scheduler, direct=direct)
    assert total == sum(numbers) & 0xFFFF_FFFF


def brainfuck(program: str, stdin: str = "") -> str:
    return output(BRAINFUCK / "brainfuck.lasm", stdin=f"{program}!{stdin}")


@pytest.mark.parametrize(
    ("name", "stdin", "shown"),
    [
        ("hello", "", "Hello, world!\n"),
        ("squares", "", "".join(f"{n * n:02}\n" for n in range(10))),
        ("triangle", "", "*\n**\n***\n****\n*****\n"),
        ("echo", "some text\n", "some text\n"),
        ("reverse", "some text", "txet emos"),
    ],
)
def test_brainfuck_programs(name: str, stdin: str, shown: str) -> None:
    assert brainfuck((BRAINFUCK / "programs" / f"{name}.bf").read_text(), stdin) == shown


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        ("", ""),
        ("-.", "\xff"),  # cells wrap around
        ("-" * 191 + ".", "A"),
        ("+" * 321 + ".", "A"),
        ("[-]" + "+" * 66 + ".", "B"),  # a loop whose cell is 0 is skipped
        ("+++[>+++[>+++++++<-]<-]>>++.", "A"),
        ("+" * 65 + "[>]<.", "A"),
        (">" * 130000 + "+" * 67 + "." + "<" * 129999 + "+" * 68 + ".", "CD"),
        (",+.", "\x01"),  # the end of the input is 0
        ("[", "error: a bracket has no partner\n"),
        ("+]", "error: a bracket has no partner\n"),
        ("[[]", "error: a bracket has no partner\n"),
        ("<", "error: the program has left the tape\n"),
        ("+[>+]", "error: the program has left the tape\n"),
        (".," * 30000, "error: the program is too long\n"),
    ],
    ids=lambda value: None if len(value) < 40 else "long",
)
def test_brainfuck(program: str, shown: str) -> None:
    assert brainfuck(program) == shown


def test_two_tasks() -> None:
    text = output(EXAMPLES / "two_tasks" / "two_tasks.lasm")
    assert text == "A1\nB1\nA2\nB2\nA3\nB3\nB was stopped: exception 0x7\n"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/*.lasm")), ids=lambda path: path.stem)
def test_programs_assemble_and_disassemble(path: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    image = runner.invoke(cli, ["asm", str(path)]).stdout_bytes
    text = runner.invoke(cli, ["dis", str(path)]).stdout
    assert image
    assert text
    again = tmp_path / "again.lasm"
    again.write_text(text)
    assert runner.invoke(cli, ["asm", str(again)]).stdout_bytes == image
