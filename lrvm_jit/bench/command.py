"""What the benchmark's commands have in common: `python -m lrvm_jit.bench` and those behind it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


class CommandParser(argparse.ArgumentParser):
    """The parser of a command, which has `--repeats` and `--json` as all of them.

    `name` is empty for the benchmark itself; `repeats` is how many there are by default, `of` what
    is repeated.
    """

    def __init__(
        self,
        name: str,
        description: str,
        epilog: str | None = None,
        *,
        repeats: int = 5,
        of: str = "runs of each",
    ) -> None:
        super().__init__(
            prog=f"python -m lrvm_jit.bench {name}".rstrip(),
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self._known: Sequence[str] = ()
        self.add_argument(
            "-n", "--repeats", type=int, default=repeats, help=f"{of}, default {repeats}"
        )
        self.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def add_programs(self, known: Sequence[str], otherwise: str) -> None:
        """Take names of programs; the help says what happens `otherwise`, without any."""
        self._known = known
        text = f"of {', '.join(known)}; {otherwise}"
        self.add_argument("programs", nargs="*", metavar="PROGRAM", help=text)

    def parse(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        """Parse a command line. Ends the process with a message if something is wrong with it."""
        options = self.parse_args(arguments)
        for name in getattr(options, "programs", ()):
            if name not in self._known:
                self.error(f"unknown program {name!r}; known are {', '.join(self._known)}")
        self.check_positive("repeats", options.repeats)
        return options

    def check_positive(self, option: str, number: int) -> None:
        """The same for an option's number."""
        if number < 1:
            self.error(f"--{option} is {number}; it must be 1 or more")
