"""What components of a batch have answered, checked and in the form that the kernel wants."""

from __future__ import annotations

import numpy
from numpy.typing import NDArray

from ..exceptions import HardwareError
from ..isa.table import WORD_MASK
from .component import FINE, BatchComponent


def checked_answer(component: BatchComponent, answer: object, count: int) -> NDArray[numpy.int64]:
    """Words, or words and errors, as the kernel wants them."""
    errors: object = None
    if isinstance(answer, tuple):
        answer, errors = answer
    words = numpy.asarray(answer)
    if words.shape != (count,) or words.dtype.kind not in "iu":
        raise TypeError(
            f"{component.name} answered reads of {count} lanes with an array of shape "
            f"{words.shape} and dtype {words.dtype}; wanted {count} whole numbers"
        )
    result = words.astype(numpy.int64)
    bad = numpy.flatnonzero((result < 0) | (result > WORD_MASK))
    if len(bad):
        raise ValueError(
            f"{component.name} answered {words[bad[0]]} to a read; a word is 0..{WORD_MASK}"
        )
    if errors is not None:
        refusals = _answer_of_errors(component, errors, count)
        result = numpy.where(refusals < 0, refusals, result)
    return result


def _answer_of_errors(
    component: BatchComponent, errors: object, count: int
) -> NDArray[numpy.int64]:
    """-1 - error for each access that was refused, else 0."""
    array = numpy.asarray(errors)
    if array.shape != (count,) or array.dtype.kind not in "iu":
        raise TypeError(
            f"{component.name} gave errors of shape {array.shape} and dtype {array.dtype} "
            f"for {count} accesses; wanted {count} whole numbers, {FINE} where there is none"
        )
    wide = array.astype(numpy.int64)
    bad = numpy.flatnonzero((wide < FINE) | (wide > 0xFFFF))
    if len(bad):
        raise ValueError(
            f"{component.name} gave the error {wide[bad[0]]}; it must be {FINE} or a word of "
            f"16 bits such as {HardwareError.__name__}(...).word"
        )
    return numpy.where(wide >= 0, -1 - wide, 0)
