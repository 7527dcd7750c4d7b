"""What can be wrong with a machine file."""

from __future__ import annotations

from collections.abc import Iterable


class MachineError(ValueError):
    """A machine that cannot be built; `problems` lists everything found."""

    def __init__(self, source: str, problems: Iterable[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        # What copies and other processes call the class with.
        super().__init__(source, self.problems)

    def __str__(self) -> str:
        return "\n".join(f"{self.source}: {problem}" for problem in self.problems)
