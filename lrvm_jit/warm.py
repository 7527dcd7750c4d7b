"""Compiling ahead what the first machine of all would wait for: for images and for installations
that several users share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .code_cache import CodeCache
from .jit.baseline import library
from .jit.baseline.code import is_supported
from .kernel.build.compile import FOLDER, digest, ready_made
from .kernel.build.entry_points import entry_points


def warm(folder: Path | None = None, tell: Callable[[str], object] = lambda line: None) -> Path:
    """Compile the kernel, the loops of batches and of the debugger, and the baseline's patcher and
    stencils for this processor, and keep them; the folder in which they are then.

    Without `folder` they go where a first machine would put them: beside the package if that can be
    written, where every user finds them, else into the user's cache folder. Others find `folder`
    with LRVM_JIT_CACHE_DIR. It may be read-only afterwards; docs/security.md says whom it must
    belong to. What is there already stays. `tell` is called with a line for each of them.

    OSError if they cannot be kept.
    """
    kept: Path | None = None
    for source in entry_points():
        data, cache = ready_made(source)
        if folder is not None:
            cache = CodeCache(Path(folder).absolute(), FOLDER)
            if not cache.save(digest(source), data):
                cache = None
        place = None if cache is None else cache.folder
        if place is None:
            raise _not_kept(source.what, folder)
        tell(f"{source.what}: {len(data):,} bytes in {place}")
        kept = place
    assert kept is not None
    if is_supported():
        place = library.ready_made(None if folder is None else Path(folder).absolute())
        if place is None:
            raise _not_kept("the stencils", folder)
        tell(f"the stencils: in {place}")
    return kept


def _not_kept(what: str, folder: Path | None) -> OSError:
    where = "anywhere" if folder is None else f"in {folder}"
    return OSError(f"{what} cannot be kept {where}; see docs/security.md")
