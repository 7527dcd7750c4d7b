"""What a kernel function may consist of, so that numba can compile it for a GPU as well.

Numbers, constants of modules, arrays that it is given, tables of numbers, and calls of other
kernel functions; no other Python object, nothing that allocates, nothing that raises. What is not
on the lists below is a mistake.

Two things cannot be seen in the source: that a name is an array, so that arithmetic on it would
allocate (the kernel's options refuse that, see `lrvm_jit/kernel/build/jit.py`), and that an
int64 meets a uint64, which Python and numba treat differently (the simulated GPU finds that).
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy

import lrvm_jit.kernel.retarget
from lrvm_jit.kernel.retarget import STAND_INS

FOLDER = Path(lrvm_jit.kernel.retarget.__file__).parent
DECORATOR = "kernel_function"
BUILTINS = {"abs", "len", "max", "min", "range"}
NODES = (
    # Statements. Of expressions only calls can stand alone.
    *(ast.Assign, ast.AugAssign, ast.Expr, ast.If, ast.While, ast.For, ast.Return),
    *(ast.Break, ast.Continue, ast.Pass),
    # Expressions. Tuples are values on every target.
    *(ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.Tuple, ast.Call),
    *(ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp),
    *(ast.Load, ast.Store, ast.unaryop, ast.boolop),
    # Operators on integers: `/` and `**` may give a float, `is` is about objects.
    *(ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod),
    *(ast.LShift, ast.RShift, ast.BitAnd, ast.BitOr, ast.BitXor),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn),
)


def mistakes(source: str, namespace: Mapping[str, object]) -> list[str]:
    """What is wrong with the kernel functions of a module, given its source and its globals."""
    found = []
    for function in _decorated(source):
        for node, text in _Checker(function, namespace).run():
            found.append(f"{function.name}, line {node.lineno}: {text}")
    return found


@cache
def kernel_modules() -> dict[str, tuple[str, Mapping[str, object]]]:
    """Source and globals of every module of the kernel that has kernel functions."""
    modules: dict[str, tuple[str, Mapping[str, object]]] = {}
    for path in sorted(FOLDER.glob("*.py")):
        source = path.read_text()
        if any(_decorated(source)):
            modules[path.name] = source, vars(import_module(f"lrvm_jit.kernel.{path.stem}"))
    return modules


def kernel_functions() -> list[str]:
    """The names of all kernel functions."""
    return [
        function.name for source, _ in kernel_modules().values() for function in _decorated(source)
    ]


def _decorated(source: str) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and any(
            isinstance(item, ast.Name) and item.id == DECORATOR for item in node.decorator_list
        ):
            yield node


class _Checker:
    """The check of one function."""

    def __init__(self, function: ast.FunctionDef, namespace: Mapping[str, object]) -> None:
        self._function = function
        self._namespace = namespace
        self._locals = {argument.arg for argument in function.args.args} | {
            node.id
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }

    def run(self) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
        function = self._function
        arguments = function.args
        if len(function.decorator_list) != 1:
            yield function, "more than one decorator"
        others = (arguments.posonlyargs, arguments.kwonlyargs, arguments.defaults)
        if any(others) or arguments.vararg or arguments.kwarg:
            yield function, "only plain arguments without defaults"
        body = function.body
        if ast.get_docstring(function, clean=False) is not None:
            body = body[1:]
        for statement in body:
            yield from self._check(statement)

    def _check(self, node: ast.AST) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
        if isinstance(node, ast.stmt | ast.expr):
            text = self._mistake(node)
            if text is not None:
                yield node, text
                return
        if isinstance(node, ast.Attribute):
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(node, ast.BinOp | ast.Compare | ast.AugAssign) and not isinstance(
                child, (ast.expr, *NODES)
            ):
                yield node, f"{type(child).__name__} is no operator of kernel functions"
            yield from self._check(child)

    def _mistake(self, node: ast.stmt | ast.expr) -> str | None:
        kind = type(node).__name__
        if not isinstance(node, NODES):
            return f"{kind} has no place in a kernel function"
        match node:
            case ast.Constant():
                return None if type(node.value) in (int, bool) else f"the constant {node.value!r}"
            case ast.Expr():
                return None if isinstance(node.value, ast.Call) else "an expression without use"
            case ast.For():
                call = isinstance(node.iter, ast.Call) and self._called(node.iter) is range
                known = call or isinstance(node.iter, ast.Tuple)
                return None if known else "a loop over something other than range or a tuple"
            case ast.Compare():
                for operator, right in zip(node.ops, node.comparators, strict=True):
                    contains = isinstance(operator, ast.In | ast.NotIn)
                    if contains and not isinstance(right, ast.Tuple):
                        return "a search in something other than a tuple"
            case ast.Subscript():
                return self._subscript(node)
            case ast.Attribute():
                known = self._is_number_type(node) or self._is_constant_of_module(node)
                return None if known else f"the attribute {node.attr}"
            case ast.Call():
                return self._call(node)
            case ast.Name():
                return self._name(node)
        return None

    def _subscript(self, node: ast.Subscript) -> str | None:
        if not isinstance(node.value, ast.Name | ast.Call):
            return "an index into something other than an array"
        if isinstance(node.ctx, ast.Store) and not (
            isinstance(node.value, ast.Name) and node.value.id in self._locals
        ):
            return "a table that is written to"
        return None

    def _called(self, node: ast.Call) -> object:
        return self._value(node.func.id) if isinstance(node.func, ast.Name) else None

    def _call(self, node: ast.Call) -> str | None:
        what = ast.unparse(node.func)
        if node.keywords or any(isinstance(item, ast.Starred) for item in node.args):
            return f"{what} is called with other than plain arguments"
        if self._is_number_type(node.func):
            return None
        if isinstance(node.func, ast.Name) and node.func.id not in self._locals:
            value = self._value(node.func.id)
            if _is_kernel_function(value) or value in [getattr(builtins, k) for k in BUILTINS]:
                return None
        return f"{what} is called, which is no kernel function"

    def _name(self, node: ast.Name) -> str | None:
        if node.id in self._locals:
            return None
        value = self._value(node.id)
        if isinstance(value, int | numpy.integer):
            return None
        if isinstance(value, numpy.ndarray):
            table = value.dtype.kind in "iu"
            return None if table else f"{node.id} is an array of {value.dtype}"
        if _is_kernel_function(value) or _is_integer_type(value) or node.id in BUILTINS | {"np"}:
            return None
        return f"{node.id} is {value!r}"

    def _value(self, name: str) -> object:
        return self._namespace.get(name, getattr(builtins, name, None))

    def _is_number_type(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Attribute):
            base = isinstance(node.value, ast.Name) and self._value(node.value.id) is numpy
            return base and _is_integer_type(getattr(numpy, node.attr, None))
        return isinstance(node, ast.Name) and _is_integer_type(self._value(node.id))

    def _is_constant_of_module(self, node: ast.Attribute) -> bool:
        if not isinstance(node.value, ast.Name) or node.value.id in self._locals:
            return False
        module = self._value(node.value.id)
        value = getattr(module, node.attr, None)
        return isinstance(module, ModuleType) and isinstance(value, int | numpy.integer)


def _is_integer_type(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, numpy.integer)


def _is_kernel_function(value: object) -> bool:
    return callable(value) and (hasattr(value, "py_func") or value in STAND_INS)
