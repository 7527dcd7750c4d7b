"""Machine code on disk: where it lies, whom to trust with it, and whether it is whole.

Whatever reads code from disk to run it (the kernel, translations) does it through this package;
docs/security.md is its contract. It imports neither numba nor LLVM.
"""

from .cache import CodeCache, load_first, save_first
from .folders import (
    CACHE_VARIABLE,
    PACKAGE,
    chosen_folder,
    package_folder,
    package_trust,
    shared_caches,
    user_cache,
    user_folder,
    warn_no_folder,
)
from .trust import warned

__all__ = [
    "CACHE_VARIABLE",
    "PACKAGE",
    "CodeCache",
    "chosen_folder",
    "load_first",
    "package_folder",
    "package_trust",
    "save_first",
    "shared_caches",
    "user_cache",
    "user_folder",
    "warn_no_folder",
    "warned",
]
