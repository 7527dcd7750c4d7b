"""Memory of the host that is no array of the kernel, read and written by its address."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .build.compat import data_of

REGISTERS = ir.VectorType(ir.IntType(32), 32)


def _reader(bits: int) -> Any:
    @intrinsic
    def read(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = ir.IntType(bits)
            value = builder.load(builder.inttoptr(arguments[0], ir.PointerType(kind)))
            value.align = 1
            return value if bits == 64 else builder.zext(value, ir.IntType(64))

        return types.int64(types.int64), generate

    return read


def _writer(bits: int) -> Any:
    @intrinsic
    def write(typing_context: Any, address: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = ir.IntType(bits)
            word = arguments[1] if bits == 64 else builder.trunc(arguments[1], kind)
            stored = builder.store(word, builder.inttoptr(arguments[0], ir.PointerType(kind)))
            stored.align = 1
            return context.get_dummy_value()

        return types.none(types.int64, types.int64), generate

    return write


word_at = _reader(64)
"""The int64 at an address."""
half_at = _reader(32)
"""The uint32 at an address, as int64."""
byte_at = _reader(8)
set_word = _writer(64)
set_half = _writer(32)
"""Store the low 32 bits of an int64."""
set_byte = _writer(8)


@intrinsic
def enter_native(typing_context: Any, function: Any, context_address: Any, code: Any) -> Any:
    """Call the C function `void(context, code)` at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [word, word])
        builder.call(builder.inttoptr(arguments[0], ir.PointerType(kind)), arguments[1:])
        return context.get_dummy_value()

    return types.none(types.int64, types.int64, types.int64), generate


def _registers(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """A pointer to the 32 registers of an array, as one vector."""
    return builder.bitcast(data_of(context, builder, kind, array), ir.PointerType(REGISTERS))


@intrinsic
def store_registers(typing_context: Any, address: Any, regs: Any) -> Any:
    """Copy the 32 registers to an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = builder.load(_registers(context, builder, signature.args[1], arguments[1]))
        value.align = 4
        target = builder.inttoptr(arguments[0], ir.PointerType(REGISTERS))
        builder.store(value, target).align = 4
        return context.get_dummy_value()

    return types.none(types.int64, regs), generate


@intrinsic
def load_registers(typing_context: Any, regs: Any, address: Any) -> Any:
    """Copy the 32 registers from an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = builder.load(builder.inttoptr(arguments[1], ir.PointerType(REGISTERS)))
        value.align = 4
        target = _registers(context, builder, signature.args[0], arguments[0])
        builder.store(value, target).align = 4
        return context.get_dummy_value()

    return types.none(regs, types.int64), generate
