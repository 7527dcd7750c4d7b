"""Examples in docstrings (`>>>`) become code on the pages of the reference (in mkdocs.yml)."""

from __future__ import annotations

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^>>> .*\n(?:(?!\n).*(?:\n|$))*", re.MULTILINE)


def fenced(text: str) -> str:
    """The docstring with a fence around each of its examples."""
    return _EXAMPLE.sub(lambda match: f"```pycon\n{match[0].rstrip()}\n```\n", text)


class FenceDoctests(griffe.Extension):
    """Applies `fenced` to every docstring."""

    def on_instance(self, *, obj: Any, **_: Any) -> None:
        """Called for each object that has been read."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)
