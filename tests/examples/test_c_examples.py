"""The examples in C: compiled, run, and held to what they should show."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest

from lrvm_tools.executable import Executable

EXAMPLES = Path(__file__).parents[2] / "examples" / "c"

pytestmark = pytest.mark.skipif(
    find_spec("ziglang") is None, reason="needs the extra `cc`, a C front end"
)


@cache
def compiled(name: str, level: int = 2) -> Executable:
    from lrvm_tools.cc import compile_c

    return compile_c([EXAMPLES / f"{name}.c"], level=level, debug=level == 0)


def shown(name: str, *arguments: str, stdin: str = "", status: int = 0, level: int = 2) -> str:
    """What an example prints."""
    done = compiled(name, level).run(arguments, stdin=stdin.encode())
    assert done.fault is None
    assert (done.status, done.stderr) == (status, b"")
    return done.stdout.decode()


def test_every_example_says_how_to_run_it_and_is_tested() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.c")}
    assert len(names) >= 6
    for name in names:
        text = (EXAMPLES / f"{name}.c").read_text()
        assert re.search(rf"lrvm cc .*{name}\.c", text)
        assert name in Path(__file__).read_text()


@pytest.mark.parametrize("level", [0, 2])
def test_life(level: int) -> None:
    *generations, rest = shown("life", "6", level=level).split("\n\n")
    assert rest == ""
    assert len(generations) == 6
    boards = []
    for number, text in enumerate(generations):
        *board, line = text.splitlines()
        cells = {(r, c) for r, row in enumerate(board) for c, x in enumerate(row) if x == "#"}
        assert line == f"generation {number}: {len(cells)} cells"
        boards.append(cells)
    rows, columns = 12, 36
    for before, after in pairwise(boards):
        around = Counter(
            ((r + up) % rows, (c + left) % columns)
            for r, c in before
            for up in (-1, 0, 1)
            for left in (-1, 0, 1)
            if up or left
        )
        assert after == {
            cell for cell, n in around.items() if n == 3 or (n == 2 and cell in before)
        }


def test_mandelbrot() -> None:
    """Python's floats are doubles, too: each character is the same."""
    *picture, last = shown("mandelbrot").splitlines()
    total = 0
    for row, line in enumerate(picture):
        for column, shade in enumerate(line):
            point = complex(-2.2 + 3.2 * column / 72, -1.2 + 2.4 * row / 27)
            re_, im, n = 0.0, 0.0, 0
            while n < 60 and re_ * re_ + im * im <= 4:
                re_, im = re_ * re_ - im * im + point.real, 2 * re_ * im + point.imag
                n += 1
            assert shade == " .,:;=+*%#@"[n * 10 // 60]
            total += n
    assert last == f"{total} steps, {total / (72 * 28):.3f} for each character"


def test_sudoku() -> None:
    puzzle = (EXAMPLES / "sudokus.txt").read_text()
    text = shown("sudoku", stdin=puzzle)
    digits = re.sub(r"\D", "", text.partition("guesses")[0])[:81]
    assert all(given in (".", found) for given, found in zip(puzzle[:81], digits, strict=True))
    for k in range(9):
        boxes = range(k // 3 * 27 + k % 3 * 3, k // 3 * 27 + k % 3 * 3 + 27, 9)
        for cells in (
            digits[9 * k : 9 * k + 9],
            digits[k::9],
            "".join(digits[start : start + 3] for start in boxes),
        ):
            assert sorted(cells) == list("123456789")


def test_sudoku_refuses_what_is_none() -> None:
    done = compiled("sudoku").run(stdin=b"nonsense\n" + b"11" + b"." * 79 + b"\n")
    assert (done.status, done.stdout) == (1, b"")
    assert done.stderr.count(b"no sudoku: ") == 2


def test_adventure() -> None:
    walk = (
        "take rope|north|east|take key|take matches|west|west|take oil|east|inventory|north|up"
        "|USE KEY|up|use matches|use oil|use matches"
    )
    text = shown("adventure", stdin=walk.replace("|", "\n"))
    assert "You carry a rusty key, a can of oil, a box of matches, a coil of rope." in text
    assert "The iron door is locked." in text
    assert "The lamp has no oil." in text
    assert text.endswith("a ship turns away from the rocks.\nYou have saved it in 17 turns.\n")
    lost = shown("adventure", stdin="dance\ntake sword\nwest\n", status=1)
    assert "I do not know how to dance." in lost
    assert "What do you want to take?" in lost
    assert "There is no way." in lost


@pytest.mark.parametrize("level", [0, 2])
def test_lisp(level: int) -> None:
    lines = {
        "(define (square x) (* x x))": "square",
        "(map square (list 1 2 3))": "(1 4 9)",
        "(define (make n) (lambda (x) (+ x n)))": "make",
        "((make 3) 4)": "7",
        "(define (fact n) (if (< n 2) 1 (* n (fact (- n 1)))))": "fact",
        "(fact 10)": "3628800",
        "(/ 1 0)": "error: division by zero",
        "(first 7)": "error: argument 1 is no list",
        "(nowhere)": "error: nowhere is not known",
        "'(a (b) . c)": "(a (b) . c)",
        "(let ((x 2) (y 3)) (* x y)) ; a comment": "6",
        "(rest (cons 1 '(2 3)))": "(2 3)",
    }
    text = shown("lisp", stdin="\n".join(lines), level=level)
    assert text.removesuffix("> ").split("\n")[:-1] == [f"> {answer}" for answer in lines.values()]


def test_driver() -> None:
    text = shown("driver").splitlines()
    assert text[0] == "This machine has 3 components:"
    assert text[1].startswith("  0  BootROM   0x00000000 to 0x0000")
    assert text[3] == "  2  Host      0xFFFF0000 to 0xFFFF10FF"
    assert text[4:] == [
        "This line went through Host's register OUT, byte by byte.",
        "A sum of 1000 numbers takes thousands of cycles.",
    ]


def test_wordcount() -> None:
    source = EXAMPLES / "wordcount.c"
    data = source.read_bytes()
    done = compiled("wordcount").run(["wordcount.c", "nothing", "../c/life.c"], files=EXAMPLES)
    assert done.status == 1
    assert done.stderr.decode().splitlines() == [
        "nothing: No such file or directory",
        "../c/life.c: Permission denied",
    ]
    words = Counter(re.findall(r"[a-z]+", data.decode().lower()))
    commonest = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:5]
    total = sum(words.values())
    lines = [f"{data.count(10):7} {total:7} {len(data):7} wordcount.c"]
    lines += [f"{count:7} {word}" for word, count in commonest]
    assert done.stdout.decode().splitlines() == lines
    by_input = compiled("wordcount").run(stdin=data).stdout.decode().splitlines()
    assert by_input[0] == lines[0].replace("wordcount.c", "(standard input)")
    assert by_input[1:] == lines[1:]


def test_crash() -> None:
    source = (EXAMPLES / "crash.c").read_text()
    line = source[: source.rindex("return sum / count")].count("\n") + 1
    done = compiled("crash", level=0).run()
    assert done.status == 134
    assert done.fault is not None
    assert done.fault.what == "division by zero"
    assert done.fault.function == "average"
    assert done.fault.place is not None
    assert (Path(done.fault.place.path).name, done.fault.place.line) == ("crash.c", line)
    assert f"average at crash.c:{line} " in source
