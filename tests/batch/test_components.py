"""The ready-made batch components, against single machines that run the same programs."""

from __future__ import annotations

import itertools

import numpy
import pytest

from lrvm_components import CharDisplay, CharKeyboard
from lrvm_jit.batch import Batch, CharOutput, CycleClock, RandomSource, WordInput
from lrvm_jit.batch.components import StandardBatchComponent
from tests.batch.component_models import InputModel, RandomModel, random_word
from tests.batch.lanes_and_machines import (
    BUDGET,
    DESCRIPTION,
    assert_same,
    batch_of,
    engines,
    sample,
    single,
    threads,
)

# --- output ----------------------------------------------------------------------------------

PRINT_NUMBER = (
    DESCRIPTION
    + """
    cpy ac0, 0x2000
    cpy a2, a1
    mod a2, 7, 0            ; so many letters
    add a2, 1
letters:
    cpy c0, a0
    mod c0, 26, 0
    add c0, "A"
    add c0, a2
    wsa ac0, 0, c0
    dec a2
    ifnq
    jp letters
    cpy c0, 0xD800
    wsa ac0, 0, c0          ; a surrogate,
    cpy c0, 0x1F3C
    shl c0, 4
    wsa ac0, 0, c0          ; and a character beyond 16 bits
    cpy ev, done
    lsa a5, ac0, 0          ; refused
done:
    halt
"""
)


@engines
@threads
@pytest.mark.parametrize("n", [1, 20, 5000])
def test_output(n: int, engine: str, threads: int) -> None:
    """Each lane's characters, in its order, are what a `CharDisplay` shows."""
    output = CharOutput()
    batch = batch_of(PRINT_NUMBER, n, [output], engine, threads)
    result = batch.run(BUDGET)
    texts = output.texts()
    assert len(texts) == n
    for lane in sample(n):
        shown: list[str] = []
        assert_same(batch, result, lane, single(PRINT_NUMBER, lane, [CharDisplay(shown.append)]))
        assert output.text(lane) == texts[lane] == "".join(shown)
        assert output.words(lane)[-2:].tolist() == [0xD800, 0x1F3C0]
    assert texts[0].endswith("\ufffd\U0001f3c0")


def written(n: int, limit: int | None = None) -> tuple[CharOutput, Batch]:
    """Each lane has written as many letters as its number says."""
    source = """
        cpy ac0, 0x2000
        cpy ev, refused
        cpy a2, "a"
    loop:
        sub a0, 1
        ifls
        halt
        wsa ac0, 0, a2
        inc a2
        jp loop
    refused:
        inc a3
        cpy a4, et
        jp loop
    """
    output = CharOutput(limit)
    return output, batch_of(source, n, [output])


def test_output_as_arrays() -> None:
    """Lengths, and an array with a row for each lane; a narrower one cuts."""
    output, batch = written(4)
    batch.run(BUDGET)
    a, b, c = b"abc"
    assert output.lengths().tolist() == [0, 1, 2, 3]
    assert output.array().tolist() == [[0, 0, 0], [a, 0, 0], [a, b, 0], [a, b, c]]
    assert output.array(2).tolist() == [[0, 0], [a, 0], [a, b], [a, b]]
    assert output.array(0).shape == (4, 0)
    assert output.words(2).dtype == output.array().dtype == numpy.uint32


def test_output_goes_on_after_it_was_read() -> None:
    """What comes later is added to each lane's text, wherever reading has come between."""
    output, batch = written(5)
    texts = []
    for _ in range(40):
        batch.run(3)
        texts.append(output.texts())
    assert texts[-1] == ["", "a", "ab", "abc", "abcd"]
    for before, after in itertools.pairwise(texts):
        assert all(new.startswith(old) for old, new in zip(before, after, strict=True))


def test_output_begins_again() -> None:
    """`clear` and the batch's reset forget; the guest's RESET does not, as on a display."""
    output, batch = written(3)
    batch.run(BUDGET)
    output.clear()
    assert output.texts() == ["", "", ""]
    batch.reset()
    batch.regs[:, 0] = 2
    batch.run(BUDGET)
    assert output.texts() == ["ab"] * 3
    batch.reset()
    assert output.lengths().tolist() == [0, 0, 0]

    kept = CharOutput()
    source = "cpy ac0, 0x2000\nwsa ac0, 0, 65\nreset 0x10\nwsa ac0, 0, 66\nhalt"
    batch_of(source, 2, [kept]).run(BUDGET)
    assert kept.texts() == ["AB", "AB"]


def test_output_limit() -> None:
    """Beyond its limit a lane gets hardware error 0x30; what came before is kept."""
    output, batch = written(5, limit=2)
    batch.run(BUDGET)
    assert output.texts() == ["", "a", "ab", "ab", "ab"]
    assert batch.regs[:, 3].tolist() == [0, 0, 0, 1, 2]
    assert batch.regs[:, 4].tolist() == [0, 0, 0, 0x01A03000, 0x01A03000]
    output.clear()
    batch.reset()
    batch.regs[:, 0] = 1
    batch.run(BUDGET)
    assert output.texts() == ["a"] * 5


# --- input -----------------------------------------------------------------------------------

READ_ALL = (
    DESCRIPTION
    + """
    cpy ac0, 0x2000
    cpy ac1, 0x1000
    lsa a5, ac0, 0          ; nothing yet
    wsa ac0, 4, 1           ; as from a keyboard
    lsa a2, ac0, 0
loop:
    lsa a3, ac0, 12         ; how many are left
    cmp a3, 0
    ifeq
    jp ends
    lsa a4, ac0, 8          ; the next one
    wsa ac1, 0, a4
    add ac1, 4
    lsa a5, ac0, 0          ; the last one again
    jp loop
ends:
    cpy c0, 0
    cpy ev, refused
    lsa a4, ac0, 8
    lsa a4, ac0, 4
    wsa ac0, 0, 1
    wsa ac0, 8, 1
    wsa ac0, 12, 1
    cpy a1, 0x703
    wsa ac0, 4, a1
    wsa ac0, 4, 1
    lsa a5, ac0, 0          ; 0 at the end
    halt
refused:
    wsa ac1, 0, et
    add ac1, 4
    cpy a6, era
    add a6, 4
    jp a6
"""
)


@engines
@threads
@pytest.mark.parametrize("n", [1, 20, 5000])
def test_input(n: int, engine: str, threads: int) -> None:
    """Every way to ask, up to and past the end, with rows of different lengths."""
    numbers = numpy.random.default_rng(n)
    rows = numbers.integers(0, 2**32, (n, 9), numpy.uint32)
    counts = numbers.integers(0, 10, n)
    words = WordInput(rows, counts)
    batch = batch_of(READ_ALL, n, [words], engine, threads)
    result = batch.run(BUDGET)
    for lane in sample(n):
        model = InputModel(rows[lane, : counts[lane]].tolist())
        assert_same(batch, result, lane, single(READ_ALL, lane, [model]))
        taken = int(counts[lane])
        errors = batch.ram[lane, max(0, taken - 1) :].tolist()
        assert errors[:6] == [
            0x01A00000 | word for word in (0x2000, 0x2100, 0x3100, 0x3100, 0x3100, 0x1003)
        ]
    assert (words.taken == counts).all()
    assert not words.left.any()


KEYBOARD = """
    cpy ac0, 0x2000
    cpy ac1, 0x1000
loop:
    wsa ac0, 4, 1
    lsa a2, ac0, 0
    wsa ac1, 0, a2
    add ac1, 4
    cmp a2, 0
    ifnq
    jp loop
    wsa ac0, 4, 2
    lsa a3, ac0, 0
    halt
"""


@engines
def test_input_for_a_program_that_knows_keyboards(engine: str) -> None:
    """A guest written for a `CharKeyboard` reads texts."""
    texts = ["", "a", "Hi!", "Grüße 🏰"]
    batch = batch_of(KEYBOARD, 4, [WordInput.from_texts(texts)], engine)
    result = batch.run(BUDGET)
    for lane, text in enumerate(texts):
        letters = iter(text)
        keyboard = CharKeyboard(lambda letters=letters: next(letters, ""))  # type: ignore[misc]
        assert_same(batch, result, lane, single(KEYBOARD, lane, [keyboard]))
        assert batch.ram[lane, : len(text)].tolist() == [ord(letter) for letter in text]


TAKE_AND_RESET = """
    cpy ac0, 0x2000
    lsa a2, ac0, 8
    reset 0x10
    lsa a3, ac0, 0          ; cleared
    lsa a4, ac0, 8          ; the next
    halt
"""


def test_input_begins_again() -> None:
    """RESET goes on in the row, the batch's reset at its start, `load` with another one."""
    words = WordInput(numpy.array([[1, 2], [3, 4]]))
    batch = batch_of(TAKE_AND_RESET, 2, [words])
    batch.run(BUDGET)
    assert batch.regs[:, 2:5].tolist() == [[1, 0, 2], [3, 0, 4]]
    batch.reset()
    assert words.left.tolist() == [2, 2]
    batch.run(BUDGET)
    assert batch.regs[:, 2:5].tolist() == [[1, 0, 2], [3, 0, 4]]
    batch.reset()
    words.load(numpy.array([[5, 6, 7], [8, 9, 10]], numpy.uint8))
    batch.run(BUDGET)
    assert batch.regs[:, 2:5].tolist() == [[5, 0, 6], [8, 0, 9]]
    with pytest.raises(ValueError, match="3 rows of input for 2 lanes"):
        words.load(numpy.zeros((3, 1), numpy.uint32))


def test_input_is_not_copied() -> None:
    """Words in a uint32 array are read where they are, as a memory map should be."""
    rows = numpy.zeros((2, 1), numpy.uint32)
    batch = batch_of("cpy ac0, 0x2000\nlsa a2, ac0, 8\nhalt", 2, [WordInput(rows)])
    rows[:] = [[7], [8]]
    batch.run(BUDGET)
    assert batch.regs[:, 2].tolist() == [7, 8]


# --- random numbers --------------------------------------------------------------------------

DRAW = (
    DESCRIPTION
    + """
    cpy ac0, 0x2000
    cpy ac1, 0x1000
    cpy a2, 50
loop:
    lsa c0, ac0, 0
    wsa ac1, 0, c0
    add ac1, 4
    dec a2
    ifnq
    jp loop
    cpy ev, refused
    wsa ac0, 0, 1
    halt
refused:
    cpy a2, et
    cpy avr, 2
    reset 0x11              ; goes on
    lsa a4, ac0, 0
    halt
"""
)


@engines
@threads
@pytest.mark.parametrize("n", [1, 20, 5000])
def test_random_numbers(n: int, engine: str, threads: int) -> None:
    """A lane's numbers are those that seed and lane say, in any batch."""
    seed = 0xFEDC_BA98_7654_3210
    source = RandomSource(seed)
    batch = batch_of(DRAW, n, [source], engine, threads)
    result = batch.run(BUDGET)
    for lane in sample(n):
        assert_same(batch, result, lane, single(DRAW, lane, [RandomModel(seed, lane)]))
        assert (source.words(lane, 50) == batch.ram[lane, :50]).all()
        assert batch.regs[lane, 4] == source.words(lane, 1, first=50)[0]
    before = batch.ram[:, :50].copy()
    assert len(numpy.unique(before)) > 0.98 * before.size  # 250,000 of 2^32 collide 7 times
    batch.reset()
    batch.run(BUDGET)
    assert (batch.ram[:, :50] == before).all()


@pytest.mark.parametrize("seed", [0, 1, 1 << 63])
@pytest.mark.parametrize("along", ["numbers", "lanes", "seeds"])
def test_random_numbers_are_random(seed: int, along: str) -> None:
    """Every bit is set half of the time, and no two are correlated, whichever way one looks."""
    count = 1 << 14
    if along == "numbers":
        words = RandomSource(seed).words(3, count)
    elif along == "lanes":
        lanes = numpy.arange(count, dtype=numpy.uint64)
        words = RandomSource(seed)._numbers(lanes, numpy.zeros(count, numpy.uint64))
    else:
        words = numpy.array([random_word(seed + k, 3, 5) for k in range(count)])
    bits = (words[:, None] >> numpy.arange(32) & 1) * 2.0 - 1
    deviation = count**-0.5
    assert abs(bits.mean(axis=0)).max() < 5 * deviation
    together = bits.T @ bits / count - numpy.eye(32)
    assert abs(together).max() < 6 * deviation
    assert abs((bits[1:] * bits[:-1]).mean(axis=0)).max() < 5 * deviation


# --- mistakes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CharOutput(-1), "limit is -1; it must be 0 or more"),
        (lambda: CharOutput().array(-1), "width is -1"),
        (lambda: WordInput(numpy.zeros(3, int)), r"shape \(3,\) and dtype int64; wanted whole"),
        (lambda: WordInput(numpy.zeros((3, 1))), "dtype float64; wanted whole numbers"),
        (lambda: WordInput(numpy.array([[0, -1]])), "word 1 of lane 0 is -1; a word is 0..42949"),
        (lambda: WordInput(numpy.array([[1 << 32]])), "word 0 of lane 0 is 4294967296"),
        (
            lambda: WordInput(numpy.zeros((2, 3), int), numpy.array([3, 4])),
            r"counts\[1\] is 4, but a row has 3 words",
        ),
        (lambda: WordInput(numpy.zeros((2, 3), int), numpy.array([3])), "counts have shape"),
        (lambda: RandomSource(-1), "seed is -1; it must be within 0"),
        (lambda: RandomSource(1 << 64), "seed is 18446744073709551616"),
        (lambda: RandomSource(0).words(0, 2, (1 << 32) - 1), "from 0 to 2"),
        (lambda: CycleClock(0), r"hertz is 0; it must be within 1\.\.4000000000"),
        (lambda: CycleClock(start=-1), "start is -1"),
        (
            lambda: batch_of("halt", 3, [WordInput(numpy.zeros((2, 3), int))]),
            "2 rows of input for 3 lanes",
        ),
    ],
)
def test_wrong_arguments(make: object, message: str) -> None:
    """They are refused at once, with value and limit."""
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("component", [CharOutput(), RandomSource(1), CycleClock()])
def test_a_component_belongs_to_one_batch(component: StandardBatchComponent) -> None:
    """State of two batches would be mixed up."""
    batch_of("halt", 2, [component])
    with pytest.raises(ValueError, match="already belongs to another batch; make a new one"):
        batch_of("halt", 2, [component])


def test_unknown_lanes() -> None:
    """A lane that does not exist has no output."""
    output, _ = written(3)
    for lane in (-1, 3):
        with pytest.raises(IndexError, match=f"no lane {lane} among 3"):
            output.text(lane)
