"""The public names of Python, and their reference."""

from __future__ import annotations

import importlib
from typing import Final

PUBLIC: Final = (
    "lrvm_jit",
    "lrvm_jit.isa",
    "lrvm_jit.batch",
    "lrvm_jit.debug",
    "lrvm_jit.modular",
    "lrvm_jit.modular.compiled",
    "lrvm_components",
    "lrvm_tools",
    "lrvm_tools.lasm",
    "lrvm_tools.program",
    "lrvm_tools.disassembly",
    "lrvm_tools.machines",
    "lrvm_tools.executable",
    "lrvm_tools.cc",
)
"""The modules that users may rely on; what is public of each is its `__all__`."""

TOP: Final = ("lrvm_jit", "lrvm_components", "lrvm_tools")
"""The packages of which each name has an example of its own."""


def public_names(module: str) -> tuple[str, ...]:
    """The public names of a module, sorted."""
    return tuple(sorted(importlib.import_module(module).__all__))


def module(name: str) -> str:
    """Markdown that has the reference generated for a module."""
    if name not in PUBLIC:
        raise KeyError(name)
    parts = [f"::: {name}\n    options:\n      members: false\n      show_root_heading: false\n"]
    parts += [f"::: {name}.{public}" for public in public_names(name)]
    return "\n\n".join(parts)
