"""From a region's IR to machine code."""

from __future__ import annotations

from functools import cache
from typing import Any

import llvmlite.binding as llvm

QUICK = "quick"
FULL = "full, chosen passes"
LOOPS = "full, loops vectorised"


def choose_pipeline(optimize: bool, has_loops: bool) -> str:
    """How to compile: LLVM's own pipeline only where there are loops to vectorise."""
    if not optimize:
        return QUICK
    return LOOPS if has_loops else FULL


@cache
def _target() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


@cache
def _machine(optimize: int) -> Any:
    """A target machine for this very processor."""
    return _target().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=optimize,
        reloc="pic",
        codemodel="small",
    )


@cache
def _builder(pipeline: str) -> Any:
    """Makes LLVM's passes. One for all modules: llvmlite never gives back 1.5 KB of each."""
    options = llvm.create_pipeline_tuning_options()
    options.speed_level = 2
    options.loop_vectorization = pipeline == LOOPS
    options.slp_vectorization = False
    options.loop_unrolling = pipeline == LOOPS
    return llvm.create_pass_builder(_machine(0 if pipeline == QUICK else 2), options)


def _optimize(module: Any, pipeline: str) -> None:
    builder = _builder(pipeline)
    if pipeline == QUICK:
        passes = llvm.create_new_module_pass_manager()
        passes.add_sroa_pass()
        passes.add_simplify_cfg_pass()
    elif pipeline == FULL:
        # Of LLVM's own O2, what changes the speed of regions without counted loops: the rest
        # takes as long again and finds nothing, as guest memory is opaque to it.
        passes = llvm.create_new_module_pass_manager()
        passes.add_always_inliner_pass()
        passes.add_sroa_pass()
        passes.add_simplify_cfg_pass()
        passes.add_instruction_combine_pass()
        passes.add_new_gvn_pass()
        passes.add_jump_threading_pass()
        passes.add_simplify_cfg_pass()
        passes.add_instruction_combine_pass()
        passes.add_loop_rotate_pass()
        passes.add_simplify_cfg_pass()
        passes.add_instruction_combine_pass()
        passes.add_aggressive_dce_pass()
    else:
        passes = builder.getModulePassManager()
    passes.run(module, builder)


def optimized_module(text: str, pipeline: str = FULL) -> Any:
    """The module after LLVM's passes."""
    machine = _machine(0 if pipeline == QUICK else 2)
    module = llvm.parse_assembly(text)
    module.triple = _target().triple if hasattr(_target(), "triple") else llvm.get_default_triple()
    module.data_layout = str(machine.target_data)
    _optimize(module, pipeline)
    return module


def compile_object(text: str, pipeline: str = FULL) -> bytes:
    """The object file of an IR module."""
    module = optimized_module(text, pipeline)
    machine = _machine(0 if pipeline == QUICK else 2)
    return bytes(machine.emit_object(module))


def assembly(text: str, pipeline: str = FULL) -> str:
    """The machine code of an IR module as text."""
    module = optimized_module(text, pipeline)
    return str(_machine(0 if pipeline == QUICK else 2).emit_assembly(module))
