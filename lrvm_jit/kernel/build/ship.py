"""Makes the objects that a wheel has: `python -m lrvm_jit.kernel.build.ship`, for `make wheel`.

Each level is compiled in a process of its own, as numba reads once for which processor it compiles.
aarch64 is made from numba's LLVM code for plain x86-64, in which nothing depends on the processor:
both have the same sizes and alignments of what the kernel uses.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module

from .entry_points import entry_points
from .shipped import LEVELS, X86_64_LEVELS, cache, shipped_key


def main(arguments: list[str]) -> int:
    """Make all levels, or in a child process the one that is named."""
    if arguments:
        _make(arguments[0])
        return 0
    for level in X86_64_LEVELS:
        print(f"{level} ...", flush=True)
        environment = {**os.environ, "NUMBA_CPU_NAME": level, "NUMBA_CPU_FEATURES": ""}
        subprocess.run([sys.executable, "-m", __spec__.name, level], env=environment, check=True)
    folder = cache().folder
    assert folder is not None
    made = sorted(folder.glob("*.code"))
    print(f"{len(made)} objects, {sum(one.stat().st_size for one in made) >> 10} KiB, in {folder}")
    wanted = len(LEVELS) * len(entry_points())
    return 0 if len(made) >= wanted else 1


def _make(level: str) -> None:
    from .with_numba import compile_entry_point, object_code

    for source in entry_points():
        module = import_module(source.module)
        compiled = compile_entry_point(module, source.function, f"{source.what} for {level}")
        objects = {level: object_code(compiled)}
        if level == "x86-64":
            objects["aarch64"] = for_aarch64(str(compiled.library.get_llvm_str()))
        for each, data in objects.items():
            key = shipped_key(source.sources, source.function, each)
            if not cache().save(key, data):
                raise OSError(f"the object for {each} cannot be written to {cache().folder}")


def for_aarch64(text: str) -> bytes:
    """The object file for aarch64 of LLVM code that numba has made for plain x86-64."""
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    triple = "aarch64-unknown-linux-gnu"
    target = llvm.Target.from_triple(triple).create_target_machine(
        opt=3, reloc="static", codemodel="large"
    )
    with llvm.parse_assembly(text) as module:
        module.triple = triple
        module.data_layout = str(target.target_data)
        return bytes(target.emit_object(module))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
