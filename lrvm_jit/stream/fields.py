"""Names of what goes into the lanes of a stream and comes out: registers, words of RAM, results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy
from numpy.typing import DTypeLike, NDArray

from ..batch.component import TextReader, TextWriter
from ..batch.result import BatchResult
from ..isa.table import REGISTER_COUNT, REGISTER_NAMES, WORD_MASK

if TYPE_CHECKING:
    from ..batch.batch import Batch

Values = Mapping[str, NDArray[Any]]
"""Inputs of a chunk: for each name an array with a row for each lane, or one row for all. They are
words (uint32), but the input TEXT is strings."""
Texts = NDArray[Any]
"""Strings, of type TEXT_TYPE."""

RESULTS: Final[dict[str, type[numpy.generic]]] = {
    "reason": numpy.uint8,
    "cycles": numpy.int64,
    "exception": numpy.uint32,
    "address": numpy.uint32,
}
PROGRAM: Final = "program"
"""The input that is a program for each lane."""
TEXT: Final = "text"
"""What a lane reads from its keyboard, and what it writes to its display."""
TEXT_TYPE: Final = numpy.dtypes.StringDType(coerce=False)
"""Unlike numpy's strings of fixed length these keep zeros at their ends."""
_RAM: Final = re.compile(r"ram(?:\[(\d+)\]|\[(\d*):(\d*)\])?")
_LEAST_WORD: Final = -(1 << 31)


@dataclass(frozen=True, slots=True)
class Field:
    """What a name stands for. `register` is a code, or None; `first` and `last` are words of RAM
    for a field of RAM; `rank` is the number of dimensions of its arrays."""

    name: str
    register: int | None = None
    first: int = 0
    last: int | None = None
    rank: int = 1

    @property
    def is_ram(self) -> bool:
        return self.name.startswith("ram")


def parse_field(name: str, *, output: bool) -> Field:
    """The field of a name. ValueError for one that means nothing here."""
    if name in REGISTER_NAMES:
        return Field(name, REGISTER_NAMES.index(name))
    if output and name in RESULTS:
        return Field(name)
    if not output and name == PROGRAM:
        return Field(name, rank=2)
    if name == TEXT:
        return Field(name)
    found = _RAM.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        kind = "output" if output else "input"
        others = f"one of {', '.join((*RESULTS, TEXT))}" if output else f"{PROGRAM!r} or {TEXT!r}"
        raise ValueError(
            f"there is no {kind} {name!r}; it must be a register such as 'a0', words of RAM such "
            f"as 'ram[5]', 'ram[0:4]' or 'ram', or {others}"
        )
    word, first, last = found.groups()
    if word is not None:
        return Field(name, None, int(word), int(word) + 1)
    field = Field(name, None, int(first or 0), int(last) if last else None, 2)
    if field.last is not None and field.last <= field.first:
        raise ValueError(f"{name!r} has no words; the end must be behind the start")
    return field


def parse_outputs(names: Iterable[str]) -> tuple[Field, ...]:
    """The fields of outputs. ValueError for a name listed twice, or unknown."""
    if isinstance(names, str):
        names = (names,)
    fields = tuple(parse_field(name, output=True) for name in names)
    for field in fields:
        if sum(other.name == field.name for other in fields) > 1:
            raise ValueError(f"the output {field.name!r} is listed twice")
    return fields


def words_of(name: str, value: object) -> NDArray[numpy.uint32]:
    """The words of an input. TypeError for what is no number, ValueError for what is no word.

    Negative numbers down to -2^31 become their two's complement.
    """
    array = numpy.asarray(value)
    if array.dtype.kind not in "iub":
        raise TypeError(
            f"the input {name!r} has elements of type {array.dtype}; registers and RAM take whole "
            "numbers: convert it with .astype(numpy.uint32)"
        )
    if array.dtype.kind != "b" and array.dtype.itemsize > 2 and array.dtype != numpy.uint32:
        for number in (array.min(), array.max()) if array.size else ():
            if not _LEAST_WORD <= number <= WORD_MASK:
                raise ValueError(
                    f"the input {name!r} contains {number}; a word of the machine is "
                    f"0..{WORD_MASK}, or {_LEAST_WORD}..-1 for a signed one"
                )
    return array.astype(numpy.uint32, copy=False)


def texts_of(value: Any) -> Texts:
    """The strings of the input TEXT. TypeError for what is no string, ValueError for one with lone
    surrogates."""
    if isinstance(value, numpy.ndarray) and value.dtype.kind not in "UTO":
        raise TypeError(f"the input {TEXT!r} has elements of type {value.dtype}, not strings")
    shape = numpy.shape(value)
    try:
        return numpy.array(value if shape in ((), (0,)) else [*value], TEXT_TYPE)
    except UnicodeEncodeError as error:
        raise ValueError(f"the input {TEXT!r} has a text that is none: {error}") from None
    except ValueError:
        raise TypeError(f"the input {TEXT!r} has an element that is no string") from None


def rows_of(field: Field, shape: tuple[int, ...]) -> int | None:
    """For how many lanes an input of this shape is; None if it is the same for all."""
    if len(shape) == field.rank:
        return shape[0]
    if len(shape) == field.rank - 1 and field.name != PROGRAM:
        return None
    wanted = "(lanes,)" if field.rank == 1 else "(lanes, words)"
    shared = "one number" if field.rank == 1 else "one row"
    raise ValueError(
        f"the input {field.name!r} has shape {shape}; it must be {wanted}, or {shared} if it is "
        "the same for all lanes"
    )


class Lanes:
    """Puts inputs into the lanes of a batch, and takes outputs out of them."""

    def __init__(self, batch: Batch, outputs: tuple[Field, ...], own_programs: bool) -> None:
        """ValueError for outputs that the batch does not have."""
        self._batch = batch
        self._own_programs = own_programs
        self._outputs = [
            (field, self._ram_of(field) if field.is_ram else None) for field in outputs
        ]
        if any(field.name == TEXT for field in outputs):
            self._display()

    def _ram_of(self, field: Field) -> slice:
        """The words of a field. ValueError if the lanes' RAM has them not."""
        try:
            size = self._batch.ram.shape[1]
        except LookupError:
            raise ValueError(f"the lanes have no RAM for {field.name!r}") from None
        last = size if field.last is None else field.last
        if last > size or field.first >= size:
            raise ValueError(
                f"{field.name!r} is outside the RAM of {size} words; choose other words, or pass "
                f"ram_size={4 * max(last, field.first + 1)} (bytes) or more"
            )
        return slice(field.first, last)

    def _keyboard(self) -> TextReader:
        for component in self._batch.components.values():
            if isinstance(component, TextReader):
                return component
        raise ValueError(
            f"the lanes have no keyboard for the input {TEXT!r}; add a component such as "
            "CharInput() to `components`"
        )

    def _display(self) -> TextWriter:
        for component in self._batch.components.values():
            if isinstance(component, TextWriter):
                return component
        raise ValueError(
            f"the lanes have no display for the output {TEXT!r}; add a component such as "
            "CharOutput() to `components`"
        )

    def check_inputs(self, values: Mapping[str, Any], count: int) -> Values:
        """Inputs as words. ValueError, TypeError for what does not fit the lanes."""
        checked: dict[str, NDArray[Any]] = {}
        for name, value in values.items():
            field = parse_field(name, output=False)
            if name == PROGRAM and not self._own_programs:
                raise ValueError(
                    f"the input {PROGRAM!r} gives each lane a program of its own, but the stream "
                    "has one already; pass None in its place"
                )
            words = texts_of(value) if name == TEXT else words_of(name, value)
            rows = rows_of(field, words.shape)
            if rows not in (None, count):
                raise ValueError(f"the input {name!r} has {rows} rows for {count} lanes")
            if field.is_ram:
                self._check_width(field, words)
            if name == TEXT:
                self._keyboard()
            checked[name] = words
        if self._own_programs:
            self._check_program(checked.get(PROGRAM))
        return checked

    def _check_width(self, field: Field, words: NDArray[numpy.uint32]) -> None:
        space = self._ram_of(field)
        room = space.stop - space.start
        width = words.shape[-1] if field.rank == 2 else 1
        if width > room or (field.last is not None and width != room):
            raise ValueError(
                f"the input {field.name!r} has rows of {width} words, but there are {room}"
            )

    def _check_program(self, words: NDArray[numpy.uint32] | None) -> None:
        width = self._programs.shape[1]
        if words is None or words.shape[1] != width:
            found = "is missing" if words is None else f"has rows of {words.shape[1]} words"
            raise ValueError(
                f"the input {PROGRAM!r} {found}; every lane needs a program of {width} words, "
                "as in the first chunk (fill short ones up with zeros)"
            )

    @property
    def _programs(self) -> NDArray[numpy.uint32]:
        programs = self._batch.programs
        assert programs is not None
        return programs

    def put(self, values: Values, count: int) -> None:
        """Put checked inputs into the first `count` lanes."""
        for name, words in values.items():
            field = parse_field(name, output=False)
            if name == PROGRAM:
                self._programs[:count] = words
            elif name == TEXT:
                self._keyboard().load_texts(numpy.broadcast_to(words, (count,)).tolist())
            elif field.register is not None:
                self._batch.regs[:count, field.register] = words
            elif field.rank == 1:
                self._batch.ram[:count, field.first] = words
            else:
                width = words.shape[-1]
                self._batch.ram[:count, field.first : field.first + width] = words

    def take(self, result: BatchResult, count: int) -> dict[str, NDArray[Any]]:
        """The outputs of the first `count` lanes, copied."""
        taken: dict[str, NDArray[Any]] = {}
        for field, space in self._outputs:
            if field.register is not None:
                taken[field.name] = self._batch.regs[:count, field.register].copy()
            elif field.name == TEXT:
                display = self._display()
                taken[field.name] = texts_of(display.texts()[:count])
                display.clear()
            elif space is None:
                taken[field.name] = getattr(result, field.name)[:count]
            elif field.rank == 1:
                taken[field.name] = self._batch.ram[:count, space.start].copy()
            else:
                taken[field.name] = self._batch.ram[:count, space].copy()
        return taken

    def output_types(self) -> dict[str, tuple[DTypeLike, tuple[int, ...]]]:
        """For each output the type of its elements, and the shape of a lane's."""
        return {
            field.name: (
                TEXT_TYPE if field.name == TEXT else RESULTS.get(field.name, numpy.uint32),
                (space.stop - space.start,) if space is not None and field.rank == 2 else (),
            )
            for field, space in self._outputs
        }


assert len(REGISTER_NAMES) == REGISTER_COUNT
assert not set(REGISTER_NAMES) & {*RESULTS, PROGRAM, TEXT, "ram"}
