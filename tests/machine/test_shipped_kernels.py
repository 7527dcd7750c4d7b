"""Kernels that come with a wheel, or that `warm` has compiled ahead."""

from __future__ import annotations

import os
from pathlib import Path

import llvmlite.binding as llvm
import pytest

from lrvm_jit.batch.worker import BATCH_LOOP
from lrvm_jit.code_cache import CACHE_VARIABLE, CodeCache, load_first
from lrvm_jit.code_cache.derived import keep, kept
from lrvm_jit.jit.baseline.code import is_supported as has_baseline
from lrvm_jit.kernel.build import compile as kernel_compile
from lrvm_jit.kernel.build import llvm_code, ship, shipped
from lrvm_jit.kernel.build.compile import KERNEL, EntryPointSource
from lrvm_jit.machine_code import Plan, RelocatableObject, is_supported
from lrvm_jit.warm import warm

OWN = pytest.mark.skipif(not is_supported(), reason="LLVM loads all code here")
V2 = b"cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"
V3 = V2 + b" avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"


@pytest.mark.parametrize(
    ("flags", "levels"),
    [
        (b"", ["x86-64"]),
        (b"fpu " + V2, ["x86-64-v2", "x86-64"]),
        (V3.replace(b" bmi2", b""), ["x86-64-v2", "x86-64"]),
        (V3 + b" avx512f", ["x86-64-v3", "x86-64-v2", "x86-64"]),
    ],
)
def test_levels_of_x86_64(flags: bytes, levels: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "machine", lambda: "x86_64")
    monkeypatch.setattr(shipped, "processor_lines", lambda: {b"flags": flags})
    assert shipped.levels() == levels


def test_levels_of_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "machine", lambda: "aarch64")
    assert shipped.levels() == ["aarch64"]
    monkeypatch.setattr(shipped, "machine", lambda: "riscv64")
    assert shipped.levels() == []


def kernel_object() -> bytes:
    kernel_compile.load_kernel()
    [(_, data), *_] = load_first(kernel_compile.caches(), kernel_compile.digest())
    return data


@OWN
@pytest.mark.skipif("NUMBA_BOUNDSCHECK" in os.environ, reason="what numba checks, numba keeps")
def test_a_shipped_kernel_is_used_where_no_cache_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best level that is there; none with settings of the compiler; never another source's or
    a damaged one; and nothing is written to any place."""
    data = kernel_object()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    for name in kernel_compile.SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(shipped, "exists", lambda: True)
    monkeypatch.setattr(shipped, "cache", lambda: CodeCache(tmp_path, "shipped"))
    monkeypatch.setattr(shipped, "levels", lambda: ["best", "good", "plain"])

    def found() -> list[bytes]:
        return [data for _, _, data in kernel_compile._found(KERNEL)]

    def put(level: str, content: bytes, source: EntryPointSource = KERNEL) -> Path:
        key = shipped.shipped_key(source.sources, source.function, level)
        assert shipped.cache().save(key, content)
        return tmp_path / "shipped" / f"{key}.code"

    assert found() == []
    put("plain", b"plain")
    put("good", data)
    put("best", b"another source", BATCH_LOOP)
    assert found() == [data, b"plain"]
    function, _ = kernel_compile._load(KERNEL)
    assert callable(function)
    assert not (tmp_path / "cache").exists()
    monkeypatch.setenv("NUMBA_OPT", "1")
    assert found() == []
    monkeypatch.delenv("NUMBA_OPT")
    path = put("best", data)
    path.write_bytes(path.read_bytes()[:-1])
    assert found() == [data, b"plain"]


def test_warm_compiles_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into a folder that serves as a cache, read-only too; what cannot be kept is an error."""
    kernel_compile.load_kernel()
    monkeypatch.setattr("lrvm_jit.warm.entry_points", lambda: [KERNEL, BATCH_LOOP])
    folder = tmp_path / "made" / "code"
    told: list[str] = []
    assert warm(folder, told.append) == folder / "kernels"
    stencils = ["the stencils"] if has_baseline() else []
    assert [line.split(":")[0] for line in told] == ["the kernel", "the batch loop", *stencils]
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = kernel_object()
    monkeypatch.setenv(CACHE_VARIABLE, str(folder))
    [(_, data)] = load_first(kernel_compile.caches(), kernel_compile.digest())
    assert data == before
    assert warm() == folder / "kernels"
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"the kernel cannot be kept in .*file"):
        warm(tmp_path / "file")


MULTIPLY = """
define i32 @_ZN4test(ptr %result, ptr %error, i64 %x) nounwind {
  %y = mul i64 %x, 3
  call void @llvm.memset.p0.i64(ptr %result, i8 0, i64 64, i1 false)
  store i64 %y, ptr %result
  ret i32 0
}
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
"""


def bitcode() -> bytes:
    with llvm.parse_assembly(MULTIPLY) as module:
        return bytes(module.as_bitcode())


def test_code_for_aarch64() -> None:
    """It needs nothing of its place: jumps to the C library reach any address."""
    source = RelocatableObject(ship.object_for("aarch64", bitcode()))
    assert source.machine == "aarch64"
    plan = Plan(source, 4096)
    assert list(plan.functions()) == ["_ZN4test"]
    assert len(plan.image(0x1000, {"memset": 0x7FFF_1234_5678}.__getitem__)) == plan.size


@OWN
def test_llvm_code_of_the_sources(tmp_path: Path) -> None:
    """It is compiled for this processor without numba; not after an edit of the sources, not when
    damaged, and not where this LLVM cannot read it."""
    code = bitcode()
    path = tmp_path / "llvm" / "f.bc.z"
    sources = ("isa/codes.py",)
    assert kept(path, sources) is None
    keep(path, sources, code)
    assert kept(path, sources) == code
    assert kept(path, ("isa/table.py",)) is None
    data = llvm_code.compile_for_this_processor(code)
    assert data is not None
    assert list(Plan(RelocatableObject(data), 4096).functions()) == ["_ZN4test"]
    assert llvm_code.compile_for_this_processor(b"BC\xc0\xde damaged") is None
    for damaged in (path.read_bytes()[:-1], b"", path.read_bytes() + b"\0"):
        path.write_bytes(damaged)
        assert kept(path, sources) is None
