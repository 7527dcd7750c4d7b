"""Memory of the host that is no array of the kernel, read and written by its address."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ..core import native_abi as abi
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
def address_of(typing_context: Any, array: Any) -> Any:
    """Where an array lies in the host's memory."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = data_of(context, builder, signature.args[0], arguments[0])
        return builder.ptrtoint(data, ir.IntType(64))

    return types.int64(array), generate


@intrinsic
def enter_native(
    typing_context: Any, context_address: Any, code: Any, scratch0: Any, scratch1: Any
) -> Any:
    """Jump to native code with the arguments that stand in its context (`core.native_abi`), and
    come back when it has left."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word, half = ir.IntType(64), ir.IntType(32)
        native_context, target, *scratch = arguments

        def word_from(offset: Any, kind: Any) -> Any:
            place = builder.add(native_context, offset)
            return builder.load(builder.inttoptr(place, ir.PointerType(kind)))

        def field(number: int) -> Any:
            return word_from(ir.Constant(word, 8 * number), word)

        def pin(number: int) -> Any:
            return builder.zext(word_from(field(abi.PIN_HOMES + number), half), word)

        values = {
            "context": native_context,
            "budget": field(abi.LEFT),
            "result": field(abi.RESULT),
            "mix": field(abi.MIX),
            "scratch0": scratch[0],
            "scratch1": scratch[1],
            "sp": pin(abi.SP_PIN),
            **{f"pin{number}": pin(number) for number in range(abi.PINS)},
        }
        kind = ir.FunctionType(ir.VoidType(), [word] * len(abi.ARGUMENTS))
        function = builder.inttoptr(target, ir.PointerType(kind))
        builder.call(function, [values[name] for name in abi.ARGUMENTS], cconv=abi.CONVENTION)
        return context.get_dummy_value()

    return types.none(*[types.int64] * 4), generate


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
