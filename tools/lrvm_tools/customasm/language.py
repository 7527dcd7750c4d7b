"""Variants of the language: plain CustomASM, what later versions added, and LASM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .limits import NESTING


@dataclass(frozen=True)
class Language:
    """What differs from plain CustomASM 0.13.9.

    `later` accepts what later versions added (section 12 of the specification). The others are
    LASM's: a backslash protects a quote in a string, strings count as numbers without a sign, a
    `%` after a value is an operator however it goes on, slices may follow each other, expressions
    nest to another depth, all labels and nothing else are aligned to `label_alignment` bits, `.x`
    may belong to the label before a constant, the arms of conditions may stand on one line and
    include files, functions name files from their own file on, and `names` (upper case) have
    values where the program declares no symbol of that name.
    """

    later: bool = False
    quotes_escaped: bool = False
    strings_signed: bool = True
    percent_operator: bool = False
    slices_repeat: bool = False
    nesting: int = NESTING
    label_alignment: int | None = None
    labels_keep_scope: bool = False
    free_arms: bool = False
    functions_name_own_files: bool = False
    names: Mapping[str, int] = field(default_factory=dict)


PLAIN = Language()
