"""Kernel functions are written so that a GPU can run them: see `tests.machine.kernel_rules`."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest
from numba import njit
from numba.core.errors import NumbaError

from lrvm_jit.core import layout
from lrvm_jit.kernel.alu import flags_of
from lrvm_jit.kernel.build.hints import cold_path, unlikely
from lrvm_jit.kernel.build.jit import OPTIONS
from tests.machine.kernel_rules import kernel_functions, kernel_modules, mistakes

NAMESPACE = {
    "np": np,
    "I": np.int64,
    "LIMIT": 5,
    "ZERO": np.int64(0),
    "TABLE": np.zeros(4, np.int64),
    "RATIOS": np.zeros(4),
    "NAMES": ["a"],
    "TEXT": "a",
    "layout": layout,
    "flags_of": flags_of,
    "unlikely": unlikely,
    "cold_path": cold_path,
    "helper": lambda value: value,
}


def check(body: str, head: str = "def f(a, b):") -> list[str]:
    source = f"@kernel_function\n{head}\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
    return mistakes(source, NAMESPACE)


@pytest.mark.parametrize("name", kernel_modules())
def test_kernel_functions_keep_the_rules(name: str) -> None:
    """No Python objects, no allocation, no exceptions."""
    assert not mistakes(*kernel_modules()[name])


def test_all_of_the_kernel_is_checked() -> None:
    """A renamed decorator or folder must not pass for success."""
    assert {"alu.py", "decode.py", "dispatch.py", "memory.py", "step.py"} <= set(kernel_modules())
    assert {"dispatch", "step", "load", "store", "decode"} <= set(kernel_functions())
    assert len(kernel_functions()) > 60


def test_what_the_rules_allow() -> None:
    """The language of the kernel, and functions without the decorator, which may be anything."""
    assert not check(
        '''
        """What it does."""
        low = high = ZERO
        a[layout.CYCLES] = 1
        x, y = (a, 1) if b & 4 else (I(np.uint8(b)), 2)
        for k in range(LIMIT):
            cold_path()
            if unlikely(a[k] in (1, 2)) or not TABLE[k]:
                continue
            a[k] += -TABLE[k] // 3
        for code, bit in ((x, 4), (y, 2)):
            low |= code << bit
        while low < high and True:
            break
        return min(flags_of(low, high), len(a))
        '''
    )
    assert not mistakes("def g():\n    raise ValueError([])", NAMESPACE)


@pytest.mark.parametrize(
    ("body", "mistake"),
    [
        ("raise ValueError", "Raise"),
        ("assert a", "Assert"),
        ("try:\n    a = 1\nexcept OverflowError:\n    a = 2", "Try"),
        ("with a:\n    pass", "With"),
        ("import math", "Import"),
        ("global LIMIT", "Global"),
        ("del a", "Delete"),
        ("def g():\n    pass", "FunctionDef"),
        ("match a:\n    case 1:\n        pass", "Match"),
        ("c = [a]", "List"),
        ("c = {a}", "Set"),
        ("c = {a: b}", "Dict"),
        ("c = [k for k in range(3)]", "ListComp"),
        ("c = max(k for k in range(3))", "GeneratorExp"),
        ("c = lambda: 1", "Lambda"),
        ("c = f'{a}'", "JoinedStr"),
        ("c = yield a", "Yield"),
        ("c = a[1:2]", "Slice"),
        ("c = min(*a)", "plain arguments"),
        ("if (c := a):\n    pass", "NamedExpr"),
        ("c = 'text'", "'text'"),
        ("c = None", "None"),
        ("c = 1.5", "1.5"),
        ("c = a / b", "Div"),
        ("a /= b", "Div"),
        ("c = a ** b", "Pow"),
        ("c = a @ b", "MatMult"),
        ("c = a is b", "Is"),
        ("c = a in b", "search"),
        ("for c in a:\n    pass", "loop"),
        ("a", "without use"),
        ("TABLE[0] = 1", "written"),
        ("c = NAMES", "NAMES"),
        ("c = TEXT", "TEXT"),
        ("c = RATIOS[0]", "float64"),
        ("c = unknown", "unknown"),
        ("c = a.shape", "shape"),
        ("c = layout.annotations", "annotations"),
        ("layout = a\nc = layout.CYCLES", "CYCLES"),
        ("c = np.zeros(4, np.int64)", "np.zeros"),
        ("c = np.float64(a)", "np.float64"),
        ("a.sort()", "a.sort"),
        ("print(a)", "print"),
        ("c = int(a)", "int"),
        ("c = helper(a)", "helper"),
        ("c = I(value=1)", "plain arguments"),
        ("c = a(b)", "no kernel function"),
    ],
)
def test_what_the_rules_refuse(body: str, mistake: str) -> None:
    """One mistake in the second line of a function is reported, by its place and what it is."""
    found = check(f"b = 1\n{body}")
    assert found
    assert any(mistake in text for text in found), found
    assert all(text.startswith("f, line ") for text in found)


@pytest.mark.parametrize("head", ["def f(a, b=1):", "def f(*a):", "def f(a, *, b):", "def f(**a):"])
def test_arguments_are_plain(head: str) -> None:
    assert check("pass", head) == ["f, line 2: only plain arguments without defaults"]


def test_the_compiler_refuses_what_the_rules_cannot_see() -> None:
    """Arithmetic on whole arrays allocates the result, which the kernel's options do not allow."""

    def change(array):  # type: ignore[no-untyped-def]
        array[0] = array[0] + array[1]

    def change_all(array):  # type: ignore[no-untyped-def]
        array[0] = (array + array)[0]

    njit("void(int64[:])", **OPTIONS)(change)
    with pytest.raises(NumbaError, match="NRT"):
        njit("void(int64[:])", **OPTIONS)(change_all)
