"""Packages that only some uses of batches need."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def import_arrow(use: str) -> Any:
    """The package pyarrow. ImportError that tells how to get it."""
    return _import("pyarrow", "arrow", use)


def import_distributed(use: str) -> Any:
    """The package distributed, of Dask. ImportError that tells how to get it."""
    return _import("distributed", "distributed", use)


def _import(name: str, extra: str, use: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{use} needs the package {name}: pip install 'lrvm-jit[{extra}]'", name=name
        ) from error
