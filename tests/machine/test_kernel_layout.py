"""The kernel's arrays and state fields are declared once; everybody else derives."""

from __future__ import annotations

import numpy
from numba import njit, types

from lrvm_components import Ram
from lrvm_jit import Motherboard
from lrvm_jit.core import layout
from lrvm_jit.core.kernel_arrays import KernelArrays, kernel_arrays
from lrvm_jit.core.numbering import Numbering
from lrvm_jit.kernel.entry import arrays_at


def test_fields_are_numbered_in_the_order_of_their_declaration() -> None:
    numbers = Numbering(3)
    assert [numbers.field(), numbers.field(4), numbers.field()] == [3, 4, 8]
    assert numbers.size == 9


def test_the_arrays_have_the_names_and_lengths_of_the_table() -> None:
    assert KernelArrays._fields == tuple(array.name for array in layout.ARRAYS)
    state = Motherboard([Ram(4096)], engine="reference").core.state
    arena = numpy.zeros(1024, numpy.uint32)
    arrays = kernel_arrays(state.regs, state.state, arena, 2)
    lengths = layout.lengths(1024, (len(state.state) - layout.MAPPINGS) // layout.MAPPING_FIELDS, 2)
    assert {name: len(array) for name, array in arrays._asdict().items()} == lengths
    assert [array.dtype.name for array in arrays] == [array.dtype for array in layout.ARRAYS]


def test_compiled_code_finds_each_array_by_its_name() -> None:
    """`arrays_at` is made of the table; the reader below names what it wants."""
    arrays = KernelArrays._make(
        numpy.arange(1 + number, 4 + number).astype(array.dtype)
        for number, array in enumerate(layout.ARRAYS)
    )
    context = numpy.zeros(layout.CONTEXT_WORDS, numpy.int64)
    arrays.point(context)

    @njit(types.int64[:](types.int64))
    def read(address):  # type: ignore[no-untyped-def]
        found = arrays_at(address)
        return numpy.array(
            [
                found.regs[0], found.state[0], found.arena[0], found.ops[0], found.marks[0],
                found.snapshot[0], found.code_pages[0], found.breakpoints[0],
                found.translations[0], len(found.translations),
            ]
        )  # fmt: skip

    assert read(context.ctypes.data).tolist() == [*range(1, 10), 3]
