"""The insides of numba and llvmlite that this project builds on, all in one place.

What the two promise to keep (`numba.njit`, `types`, `extending`; `llvmlite.ir` and `binding`) is
used everywhere; whatever else is used stands here, and may change with any version. `TRIED` has the
versions that it was tried with; the dependencies in pyproject.toml allow no others of numba, each
of which asks for one llvmlite. `tests/machine/test_compat.py` says which name is missing.

Besides, `lrvm_jit.locks` looks at two locks, without importing what they belong to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba import _dynfunc, types
from numba.core import cgutils
from numba.core.callconv import RETCODE_USEREXC, CPUCallConv, Status
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, CompileResult, DefaultPassBuilder
from numba.core.compiler import _LowerResult as LowerResult
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import register_pass
from numba.core.cpu import CPUContext
from numba.core.lowering import BaseLower
from numba.core.serialize import dumps
from numba.core.typed_passes import NativeLowering
from numba.np.arrayobj import make_array, populate_array
from numba.np.numpy_support import from_dtype

__all__ = [
    "RETCODE_USEREXC",
    "BaseLower",
    "CompilerBase",
    "DefaultPassBuilder",
    "JITCodeLibrary",
    "LowerResult",
    "NativeLowering",
    "Status",
    "array_over",
    "bytes_of",
    "call_compiled",
    "cgutils",
    "data_of",
    "entry_and_address",
    "exception_place",
    "from_bytes",
    "from_dtype",
    "global_compiler_lock",
    "make_callable",
    "mark_cold",
    "one_for_all",
    "register_pass",
    "struct_of",
    "target_of",
]

TRIED: Final = {"numba": ("0.62", "0.68"), "llvmlite": ("0.45", "0.50")}
"""The first and the last version of each that all of this was tried with."""

MEMBERS: Final[dict[type, tuple[str, ...]]] = {
    CPUContext: (
        "call_internal_no_propagate",
        "codegen",
        "get_abi_sizeof",
        "get_data_type",
        "insert_user_function",
        "make_helper",
        "make_tuple",
    ),
    CPUCallConv: ("_get_excinfo_argument", "return_status_propagate", "return_user_exc"),
    JITCodeLibrary: (
        "_finalize_final_module",
        "_optimize_final_module",
        "add_linking_library",
        "enable_object_caching",
        "finalize",
        "get_llvm_str",
        "get_pointer_to_function",
        "serialize_using_object_code",
    ),
    CompileResult: ("_rebuild", "_reduce", "entry_point", "fndesc", "library", "signature"),
    NativeLowering: ("run_pass",),
    DefaultPassBuilder: ("define_nopython_pipeline",),
}
"""What is used of their classes."""
HELPERS: Final = (
    "alloca_once",
    "as_bool_bit",
    "create_struct_proxy",
    "do_boundscheck",
    "if_unlikely",
    "pack_array",
)
"""What is used of `cgutils`."""


# --- making code ---------------------------------------------------------------------------------


def array_over(context: Any, builder: Any, array_type: Any, address: Any, length: Any) -> Any:
    """LLVM code that makes a one-dimensional array over memory that somebody else owns.

    `array_type`: numba's type of it; `address`, `length`: LLVM values, int64.
    """
    array = make_array(array_type)(context, builder)
    item = context.get_data_type(array_type.dtype)
    item_size = context.get_constant(types.intp, context.get_abi_sizeof(item))
    populate_array(
        array,
        data=builder.inttoptr(address, ir.PointerType(item)),
        shape=cgutils.pack_array(builder, [length]),
        strides=cgutils.pack_array(builder, [item_size]),
        itemsize=item_size,
        meminfo=None,
    )
    return array._getvalue()


def data_of(context: Any, builder: Any, array_type: Any, array: Any) -> Any:
    """The pointer to an array's items."""
    return make_array(array_type)(context, builder, array).data


def struct_of(context: Any, builder: Any, struct_type: Any, **fields: Any) -> Any:
    """A value of a type with a `StructModel`, of these fields."""
    struct = cgutils.create_struct_proxy(struct_type)(context, builder)
    for name, value in fields.items():
        setattr(struct, name, value)
    return struct._getvalue()


def call_compiled(builder: Any, address: Any, argument: Any) -> Any:
    """LLVM code that calls a function from int64 to int64 that numba compiled, at an address; -1
    if it raised."""
    word, status_kind = ir.IntType(64), ir.IntType(32)
    pointer = ir.PointerType(ir.IntType(8))
    kind = ir.FunctionType(status_kind, [ir.PointerType(word), ir.PointerType(pointer), word])
    result = cgutils.alloca_once(builder, word)
    error = cgutils.alloca_once(builder, pointer)
    target = builder.inttoptr(address, ir.PointerType(kind))
    status = builder.call(target, [result, error, argument])
    failed = builder.icmp_signed("!=", status, ir.Constant(status_kind, 0))
    return builder.select(failed, ir.Constant(word, -1), builder.load(result))


def mark_cold(call: Any) -> None:
    """Mark a call in LLVM code as seldom executed."""
    # `cold` is an attribute of calls in LLVM, but not on llvmlite's own list of them.
    set.add(call.attributes, "cold")


def exception_place(context: Any, function: Any) -> Any:
    """The LLVM type of what a raised exception is described by in a function."""
    return context.call_conv._get_excinfo_argument(function).type.pointee


def one_for_all(array: Any, length: int) -> Any:
    """A device's array of one item, as one whose items all are that."""
    from numba.cuda.cudadrv.devicearray import DeviceNDArray

    return DeviceNDArray((length,), (0,), array.dtype, gpu_data=array.gpu_data)


# --- what has been compiled ----------------------------------------------------------------------


def make_callable(description: Any, environment: Any, library: Any) -> Any:
    """By what numba finds the code of an inner function, which has no address of its own."""
    module, name = description.lookup_module(), description.qualname
    return _dynfunc.make_function(module, name, "", 0, environment, (library,))


def entry_and_address(compiled: Any) -> tuple[Callable[[int], int], int]:
    """The compiled function, and its address for other compiled functions to call."""
    address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    # The compiled entry point itself: half the cost of calling through numba's dispatcher.
    return compiled.entry_point, address


def target_of(dispatcher: Any) -> Any:
    """For what a dispatcher compiles."""
    return dispatcher.targetctx


def bytes_of(compiled: Any) -> bytes:
    """A compiled function as bytes, as numba's cache would write it."""
    return dumps(compiled._reduce())  # type: ignore[no-any-return]


def from_bytes(target: Any, parts: Any) -> Any:
    """The compiled function of unpickled bytes."""
    return CompileResult._rebuild(target, *parts)
