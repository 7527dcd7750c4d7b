"""What makes machine code differ between machines."""

from __future__ import annotations

from functools import cache


@cache
def host_facts() -> tuple[object, ...]:
    """LLVM's version and what it knows of this processor. Asked once in a process."""
    # Imported here: a run that compiles nothing, and loads nothing, has no use for LLVM.
    import llvmlite
    import llvmlite.binding as llvm

    try:
        features = llvm.get_host_cpu_features().flatten()
    except RuntimeError:
        # LLVM does not know them on every platform.
        features = ""
    return (
        llvmlite.__version__,
        llvm.llvm_version_info,
        llvm.get_process_triple(),
        llvm.get_host_cpu_name(),
        features,
    )
