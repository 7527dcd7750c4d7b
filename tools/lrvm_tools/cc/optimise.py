"""Linking and optimising LLVM IR, by llvmlite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import llvmlite.binding as llvm

from .errors import CompileError

_TRIPLE: Final = "mips-unknown-linux-musl"
_KEPT_LINKAGES: Final = (
    "external",
    "weak_any",
    "weak_odr",
    "linkonce_any",
    "linkonce_odr",
    "common",
)


@cache
def _target_machine() -> Any:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return llvm.Target.from_triple(_TRIPLE).create_target_machine(opt=2)


def read_module(data: bytes | str, name: str) -> Any:
    """A module of bitcode or IR text, checked. Raises CompileError."""
    _target_machine()
    try:
        module = llvm.parse_assembly(data) if isinstance(data, str) else llvm.parse_bitcode(data)
        module.verify()
    except RuntimeError as error:
        raise CompileError(f"{name}: LLVM refuses the IR: {error}".strip()) from None
    layout = module.data_layout
    if layout and not layout.startswith("E"):
        raise CompileError(
            f"{name}: the IR is for a little-endian machine; compile it with --target={_TRIPLE}"
        )
    if "p:32:32" not in layout and layout:
        raise CompileError(f"{name}: the IR is for a machine whose addresses have not 32 bits")
    return module


def optimise(
    modules: Sequence[tuple[str, bytes | str]],
    level: str,
    is_visible: Callable[[str], bool] | None,
) -> str:
    """The text of the modules (name and IR) linked into one and optimised.

    With `is_visible` the result is a whole program: symbols for which it answers False become
    internal, so that they can be inlined and left out.
    """
    first_name, first = modules[0]
    whole = read_module(first, first_name)
    for name, data in modules[1:]:
        try:
            whole.link_in(read_module(data, name))
        except RuntimeError as error:
            raise CompileError(f"{name}: {error}".strip()) from None
    if is_visible is not None:
        for value in (*whole.functions, *whole.global_variables):
            if value.is_declaration or value.name.startswith("llvm."):
                continue
            if value.linkage.name in _KEPT_LINKAGES and not is_visible(value.name):
                value.linkage = llvm.Linkage.internal
    speed = {"0": 0, "1": 1, "2": 2, "3": 2, "s": 2}[level]
    options = llvm.create_pipeline_tuning_options(speed)
    options.loop_vectorization = False
    options.slp_vectorization = False
    options.loop_interleaving = False
    if level in ("s", "1"):
        options.loop_unrolling = False
    builder = llvm.create_pass_builder(_target_machine(), options)
    builder.getModulePassManager().run(whole, builder)
    return str(whole)


def llvm_version() -> str:
    return ".".join(str(part) for part in llvm.llvm_version_info)
