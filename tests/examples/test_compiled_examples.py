"""The examples made of compiled parts: what they show, in every way in which they can run."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from lrvm_jit.modular import MachineHandle
from tests.examples.test_examples import BRAINFUCK, load
from tests.modular.ways import WAYS, start

PRIMES_BELOW_100 = "2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 53 59 61 67 71 73 79 83 89 97 "


@pytest.fixture(scope="module")
def accumulator() -> ModuleType:
    return load("accumulator")


@pytest.fixture(scope="module")
def brainfuck() -> ModuleType:
    return load("brainfuck_processor")


def test_accumulator(accumulator: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    accumulator.main()
    assert capsys.readouterr().out == PRIMES_BELOW_100 + "\n"
    accumulator.main(["4"])
    assert capsys.readouterr().out == "2 3 \n"


@pytest.mark.parametrize("way", WAYS)
def test_accumulator_in_all_ways(accumulator: ModuleType, way: str) -> None:
    peripherals, processors = accumulator.parts(
        accumulator.assemble(accumulator.PRIMES.format(limit=14))
    )
    handle = start(way, peripherals, processors)
    handle.join(raise_errors=True)
    assert accumulator.shown(peripherals[accumulator.SCREEN]) == "2 3 5 7 11 13 "
    assert processors[0].state.tolist() == [0, 0, 84]
    assert peripherals[accumulator.MEMORY].state.tolist()[84:90] == [14, 13, 1, 3, 10, 14]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("program", "accumulator_and_carry"),
    [
        ("ldi 200\n adi 100\n halt", [44, 1]),
        ("lda a\n sub b\n halt\n a: data 5\n b: data 6", [255, 1]),
        ("lda a\n sub b\n halt\n a: data 6\n b: data 6", [0, 0]),
        ("lda a\n add b\n sta a\n ldi 0\n lda a\n halt\n a: data 6\n b: data 7", [13, 0]),
    ],
)
def test_accumulator_arithmetic(
    accumulator: ModuleType, way: str, program: str, accumulator_and_carry: list[int]
) -> None:
    peripherals, processors = accumulator.parts(accumulator.assemble(program))
    start(way, peripherals, processors).join(raise_errors=True)
    assert processors[0].state.tolist()[:2] == accumulator_and_carry


@pytest.mark.parametrize("way", WAYS)
def test_accumulator_ends_with_codes(accumulator: ModuleType, way: str) -> None:
    """At an opcode that it does not know; and when the screen is full, and gone."""
    for program, code, screen in (("data 99", 1, 0), ("again: out 0\n jmp again", -1, 2)):
        peripherals, processors = accumulator.parts(accumulator.assemble(program))
        handle = start(way, peripherals, processors)
        handle.join()
        assert handle.processors[0].code == code
        assert handle.peripherals[1].code == screen


def test_accumulator_programs_that_do_not_fit(accumulator: ModuleType) -> None:
    with pytest.raises(ValueError, match="258 bytes"):
        accumulator.assemble("halt\n" * 129)


def run(brainfuck: ModuleType, way: str, source: str, stdin: bytes = b"") -> SimpleNamespace:
    peripherals, processors = brainfuck.parts(source, stdin)
    handle: MachineHandle = start(way, peripherals, processors)
    handle.join()
    return SimpleNamespace(
        text=brainfuck.read(peripherals[brainfuck.SCREEN]),
        code=handle.processors[0].code,
        states=[part.state.tolist() for part in (*peripherals, *processors)],
    )


@pytest.mark.parametrize(
    ("name", "stdin", "shown"),
    [
        ("hello", b"", "Hello, world!\n"),
        ("squares", b"", "".join(f"{n * n:02}\n" for n in range(10))),
        ("echo", b"some text\n", "some text\n"),
        ("reverse", b"some text", "txet emos"),
    ],
)
def test_brainfuck_programs(brainfuck: ModuleType, name: str, stdin: bytes, shown: str) -> None:
    source = (BRAINFUCK / "programs" / f"{name}.bf").read_text()
    compiled, plain = (run(brainfuck, way, source, stdin) for way in WAYS[:2])
    assert (compiled.text, compiled.code) == (shown, 0)
    assert compiled == plain


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("source", "shown", "code"),
    [
        ("", "", 0),
        ("-.", "\xff", 0),
        ("+++[>+++[>+++++++<-]<-]>>++.", "A", 0),
        ("[[+.]+.]" + "+" * 66 + ".", "B", 0),
        ("+++++[>+++++++++++++<-]>.[-]", "A", 0),
        (",+.", "\x01", 0),
        ("[", "", 1),
        ("+]", "", 1),
        ("<+", "", 2),
    ],
    ids=str,
)
def test_brainfuck(brainfuck: ModuleType, way: str, source: str, shown: str, code: int) -> None:
    result = run(brainfuck, way, source)
    assert (result.text, result.code) == (shown, code)


def test_brainfuck_from_a_file(
    brainfuck: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More output than the screen keeps comes out as well; a failed program says so."""
    path = tmp_path / "program.bf"
    path.write_text("-[>" + "+" * 41 + "." * 41 + "[-]<-] +]")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert brainfuck.main([str(path)]) == 1
    output = capsys.readouterr()
    assert output.out == ")" * 41 * 255
    assert output.err == "The program has failed, with code 1.\n"


@pytest.mark.parametrize("arguments", [[], ["one.bf", "two.bf"]])
def test_brainfuck_says_what_it_wants(
    brainfuck: ModuleType, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert brainfuck.main(arguments) == 2
    assert "usage: brainfuck_processor.py PROGRAM.bf" in capsys.readouterr().err
