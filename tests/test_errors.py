"""Exceptions travel: into a copy, to another process, and come back as they were."""

from __future__ import annotations

import copy
import importlib
import math
import multiprocessing
import pickle
import pkgutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy
import pytest

import lrvm_components
import lrvm_jit
import lrvm_tools
from lrvm_components.host_registers import HostErrorCode
from lrvm_jit.core.mapping import MappingOutcome, OverlapError
from lrvm_tools.customasm.diagnostics import Diagnostic
from lrvm_tools.customasm.problems import Problem, note
from lrvm_tools.customasm.source import Source, Span
from lrvm_tools.lasm.symbols import GLOBAL_SCOPE, Symbol
from lrvm_tools.lasm.syntax import Label
from lrvm_tools.machines import MachineError, load_machine


def exception_classes() -> Iterator[type[BaseException]]:
    """All that modules of the three packages define."""
    for package in (lrvm_jit, lrvm_components, lrvm_tools):
        for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if info.name.endswith("__main__"):
                continue
            for value in vars(importlib.import_module(info.name)).values():
                is_error = isinstance(value, type) and issubclass(value, BaseException)
                if is_error and value.__module__ == info.name:
                    yield value


SOURCE = Source("a.lasm", "halt\nhelt\n", Path())
SPAN = Span(SOURCE, 5, 9)


ARGUMENTS: dict[str, Callable[[], tuple[Any, ...]]] = {
    "customasm.diagnostics.AssemblyError": lambda: ([Diagnostic.at(SPAN, "unknown", "halt?")], 3),
    "lasm.errors.SourceError": lambda: (SPAN, "unknown", lambda: "halt?"),
    "lasm.errors.UnresolvedError": lambda: (SPAN, "not known yet"),
    "lasm.evaluate._NeededError": lambda: (Symbol(("a",), Label(SPAN, 0, "a"), GLOBAL_SCOPE),),
    "lasm.files.UndecodableError": lambda: (3,),
    "lasm.instructions.OperandError": lambda: (2, "too large", "use a register"),
    "customasm.items._ElementError": lambda: (Problem(SPAN, "x"),),
    "customasm.problems.FailedValueError": lambda: (Problem(SPAN, "x"),),
    "customasm.operators.OperandError": lambda: ("x", "left"),
    "customasm.problems.ParseError": lambda: (1, 2, "x"),
    "customasm.problems.Problem": lambda: (SPAN, "x", note(SPAN, "y")),
    "debugging.gdb.replies.Refused": lambda: ("no such register", 2),
    "cc.errors.CompileError": lambda: ("it is too large", "main at a.c:3"),
    "cc.errors.UnsupportedError": lambda: ("it is too large", "main at a.c:3"),
    "host_files.HostFailureError": lambda: (HostErrorCode.NOT_FOUND,),
    "text_files.UndecodableError": lambda: (9, 3, 0xFF),
    "machines.errors.MachineError": lambda: ("machine.toml", iter(["one", "two"])),
    "running.PreparationError": lambda: ([MappingOutcome(1, OverlapError("in the way"))],),
    "core.bus.GuestError": lambda: (0x0A, 0x12345),
    "exceptions.HardwareError": lambda: (0x21, 7),
    "batch.component.PartlyServedError": lambda: (2, numpy.arange(3, dtype=numpy.uint32), None),
    "modular.messages.Terminate": lambda: (3,),
    "modular.compiled_code.UncompilableError": lambda: (math.floor, "it makes an object"),
}
"""What classes with a constructor of their own are called with."""


def made(kind: type[BaseException]) -> BaseException:
    name = f"{kind.__module__}.{kind.__qualname__}".partition(".")[2]
    if name in ARGUMENTS:
        error = kind(*ARGUMENTS[name]())
    else:
        own = [base for base in kind.__mro__ if base.__module__.startswith("lrvm_")]
        constructors = [base.__name__ for base in own if "__init__" in vars(base)]
        assert not constructors, f"give ARGUMENTS an example for {name}"
        error = kind("a message", 5)
    error.add_note("in part 3")
    return error


def told(value: object) -> object:
    """All that there is to know about a value, for comparing."""
    if isinstance(value, BaseException):
        return type(value), str(value), told(value.args), told(vars(value))
    if isinstance(value, Symbol):
        return {name: told(getattr(value, name)) for name in Symbol.__slots__}
    if isinstance(value, dict):
        return {key: told(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [told(inner) for inner in value]
    if isinstance(value, Source):
        return value.path, value.text
    if callable(value) and value is not math.floor:
        return repr(value())
    return repr(value)


@pytest.mark.parametrize("kind", list(exception_classes()), ids=lambda kind: kind.__qualname__)
def test_copies_are_like_the_error(kind: type[BaseException]) -> None:
    error = made(kind)
    expected = told(error)
    for twin in (
        copy.copy(error),
        copy.deepcopy(error),
        *(pickle.loads(pickle.dumps(error, protocol)) for protocol in range(2, 6)),
    ):
        assert twin is not error
        assert twin == twin
        assert twin != error  # as Python has it: an error is this one, not one like it
        assert told(twin) == expected


def test_a_bad_file_in_a_process_pool(tmp_path: Path) -> None:
    """Its error comes out of the pool, which works on; it ended the pool, or never came."""
    path = tmp_path / "machine.toml"
    path.write_text("[[component]]\ntype = 'nothing'\n")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        with pytest.raises(MachineError, match="nothing") as caught:
            pool.submit(load_machine, path).result(60)
        assert caught.value.problems
        assert pool.submit(abs, -5).result(60) == 5
