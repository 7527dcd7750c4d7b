"""Errors travel: into a copy, to another process, and come back as they were."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from lrvm_tools.customasm.items import _ElementError
from lrvm_tools.customasm.operators import OperandError
from lrvm_tools.customasm.problems import FailedValueError, ParseError, Problem, note
from lrvm_tools.customasm.source import Source, Span
from lrvm_tools.lasm import AssemblyError, assemble_program

SPAN = Span(Source("a.asm", "nop\n"), 0, 3)


def problem() -> Problem:
    return Problem(SPAN, "outer", note(SPAN, "inner", hint="look"), hint="here")


ERRORS: list[Callable[[], Exception]] = [
    problem,
    lambda: FailedValueError(problem()),
    lambda: ParseError(1, 2, "expected number"),
    lambda: OperandError("division by zero", "left"),
    lambda: _ElementError(problem()),
]


def told(error: object) -> object:
    if isinstance(error, Exception):
        inner = {name: told(value) for name, value in vars(error).items()}
        return type(error), str(error), [told(each) for each in error.args], inner
    if isinstance(error, tuple) and not isinstance(error, Span):
        return [told(each) for each in error]
    return error.place if isinstance(error, Span) else error


@pytest.mark.parametrize("made", ERRORS)
def test_copies_are_like_the_error(made: Callable[[], Exception]) -> None:
    error = made()
    for twin in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert told(twin) == told(error)


def test_assembly_errors_come_back_with_their_notes() -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble_program("#d8 x", instruction_set="rules")
    twin = pickle.loads(pickle.dumps(caught.value))
    assert str(twin) == str(caught.value)
    assert twin.diagnostics == caught.value.diagnostics
    assert twin.diagnostics[0].notes
