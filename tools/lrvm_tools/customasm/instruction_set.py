"""What the assembler asks of an instruction set.

Two things have this form: the rules of a program (`rules.RuleSet`), and the built-in table of the
LRVM (in `lrvm_tools.lasm`). Matching looks at the text of an instruction only; values come later,
when a place is known, and as often as the passes need them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .context import Context
from .expressions import IsStatic
from .problems import Problem
from .values import Value


class Candidate(Protocol):
    """One way to encode an instruction."""

    @property
    def static_size(self) -> int | None:
        """Its size in bits, if that is known before anything is evaluated."""

    @property
    def fixed_size(self) -> int | None:
        """Its size in bits if nothing can change it: such an instruction, if it is the only
        candidate, is evaluated once, when all addresses are known."""

    def is_static(self, names: IsStatic) -> bool:
        """Whether no pass can change its value."""

    def evaluate(self, context: Context) -> Value:
        """The encoding. Raises Problem, UnknownValueError or FailedValueError."""

    def checked(self, value: Value, context: Context) -> tuple[int, int]:
        """The encoding's bits as a number, and how many they are. Raises Problem."""

    def described(self) -> Problem:
        """A note that says which one it is, for messages about several that fit."""


class InstructionSet(Protocol):
    """The instructions that a program may use."""

    def match(self, text: str) -> Sequence[Candidate]:
        """The ways to encode an instruction with this text, best ones only; none if nothing
        fits. Raises MatchError."""

    def explain(self, text: str) -> str:
        """Why nothing fits, as a hint for the message."""


class MatchError(Exception):
    """An instruction that cannot be matched within the limits."""
