"""Numbers that compiled parts, their Python side and their compiled loop share."""

from __future__ import annotations

from typing import Final

from ..core.numbering import Numbering

LOAD: Final = 0
"""A query for the value at an address."""
SAVE: Final = 1
"""A query that puts a value at an address."""

DATA: Final = 0
"""Status of an answer to a load: the value follows."""
GOOD: Final = 1
"""Status of an answer to a save: it is done."""
FAIL: Final = 2
"""Status of an answer to a query that could not be done: a code follows."""
END: Final = 3
"""Status with which a peripheral ends itself instead of answering: its code follows."""

GONE: Final = -1
"""The code that follows `FAIL` when the peripheral has ended."""

NO_SUCH_PERIPHERAL: Final = "the machine has no peripheral of that number"
WRONG_INDEX: Final = "index is out of bounds"
"""As numba says it: which index is not known (`compiled_numba.located_bounds_checks`)."""
UNKNOWN_STATUS: Final = "handle answered with a status that is not DATA, GOOD, FAIL or END"

WRONG_STATUS: Final = "handle answered a load with GOOD, or a save with DATA"

# The table of a compiled machine's parts, int64 words: a head, then a record for each part.
_head = Numbering()
CURRENT: Final = _head.field()
"""Offset of the record of the part that is at work, or was the last one."""
DONE: Final = _head.field()
"""Turns that have been completed since the loop was entered."""
ENDED: Final = _head.field()
"""Whether the part at `CURRENT` has ended itself."""
CODE: Final = _head.field()
"""The code with which it did."""
FALLEN: Final = _head.field()
"""How many peripherals have ended while they handled a query."""
PERIPHERALS: Final = _head.field()
"""How many peripherals the machine has."""
HEAD: Final = _head.size

# A record. The peripherals' come first, in the order of their numbers.
_record = Numbering()
KIND: Final = _record.field()
"""Number of the function `handle` or `exe_ins`; `NO_KIND` for a peripheral that has ended."""
ADDRESS: Final = _record.field()
LENGTH: Final = _record.field()
CYCLE: Final = _record.field()
"""Number of the function `cycle`."""
WHY: Final = _record.field()
"""Why the peripheral has ended: `BY_CODE`, `BY_STATUS` or `BY_ERROR`."""
END_CODE: Final = _record.field()
"""The code with which it has ended; or the status, or the number of the error."""
RANK: Final = _record.field()
"""Which one it was to end while handling a query, from 1."""
RECORD: Final = _record.size

NO_KIND: Final = -1
BY_CODE: Final = 1
BY_STATUS: Final = 2
BY_ERROR: Final = 3
