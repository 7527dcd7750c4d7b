"""LLVM's library is opened without the GIL."""

from __future__ import annotations

import subprocess
import sys

import pytest

OPENED = """
import sys
from lrvm_jit.jit.code.llvm_library import open_ahead
def is_mapped():
    return "libllvmlite.so" in open("/proc/self/maps").read()
before = is_mapped()
opened = open_ahead()
print(before, opened, is_mapped(), "llvmlite.binding" in sys.modules)
from lrvm_jit.jit.code.compiler import compile_object
print(compile_object("define i64 @f() { ret i64 1 }")[:4], open_ahead())
"""
UNKNOWN = """
import importlib.util, sys
from lrvm_jit.jit.code import llvm_library
llvm_library.find_spec = lambda name: None
print(llvm_library.open_ahead())
spec = importlib.util.spec_from_file_location("llvmlite", "/nowhere/llvmlite/__init__.py")
llvm_library.find_spec = lambda name: spec
print(llvm_library.open_ahead())
"""


def output(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="others leave it to llvmlite")
def test_it_is_open_before_llvmlite_asks() -> None:
    assert output(OPENED) == "False True True False\nb'\\x7fELF' True\n"


def test_where_it_is_not_found_llvmlite_has_to_say_so() -> None:
    assert output(UNKNOWN) == "False\nFalse\n"
