"""The version of the installed package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version


def version() -> str:
    """The version; `unknown` in a source tree that was never installed."""
    try:
        return installed_version("lrvm-jit")
    except PackageNotFoundError:
        return "unknown"
