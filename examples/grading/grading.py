"""Grades programs: every submission runs on every test case, all of them in one batch.

The task was: leave the greatest common divisor of a0 and a1 in a0, and halt. A lane runs one
submission on one test case. It has a machine of its own, so whatever a submission does, it does it
to nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy

from lrvm_jit.batch import Batch, BatchResult, LaneReason, Program
from lrvm_jit.isa import Reg
from lrvm_tools.lasm import Assembly, assemble_program_file

CASES = ((12, 18, 6), (48, 16, 16), (7, 0, 7), (17, 5, 1), (3_000_000_000, 14, 2))
"""Two numbers, and their greatest common divisor."""

LIMIT = 10_000
"""Instructions after which a program has failed. A good one needs some hundred at most."""


def read_submissions(folder: Path) -> dict[str, Assembly]:
    """Assembled programs by the name of the student."""
    return {path.stem: assemble_program_file(path) for path in sorted(folder.glob("*.lasm"))}


def grade(
    submissions: Mapping[str, Program], cases: Sequence[tuple[int, int, int]] = CASES
) -> dict[str, list[str]]:
    """A verdict for each test case, by the name of the student."""
    first, second, wanted = numpy.array(cases, numpy.uint32).T
    # Lanes 0, 1, ... are the first submission on all cases, then follows the second one.
    programs = [program for program in submissions.values() for _ in cases]
    with Batch(programs, ram_size=1024) as batch:
        batch.regs[:, Reg.A0] = numpy.tile(first, len(submissions))
        batch.regs[:, Reg.A1] = numpy.tile(second, len(submissions))
        result = batch.run(max_cycles=LIMIT, halt_on_exception=True)
        answers = batch.regs[:, Reg.A0].tolist()
    verdicts = [
        verdict(result, lane, answers[lane], int(wanted[lane % len(cases)]))
        for lane in range(batch.n)
    ]
    return {
        name: verdicts[k * len(cases) : (k + 1) * len(cases)] for k, name in enumerate(submissions)
    }


def verdict(result: BatchResult, lane: int, answer: int, wanted: int) -> str:
    """What is to be said about one program and one test case."""
    if result.reason[lane] == LaneReason.BUDGET:
        return f"no end after {LIMIT:,} instructions"
    if result.reason[lane] == LaneReason.EXCEPTION:
        place = result.where(lane)
        where = f"at address 0x{result.address[lane]:X}" if place is None else f"line {place.line}"
        return f"{result.exception_of(lane)}, {where}"
    return "correct" if answer == wanted else f"wrong: {answer} instead of {wanted}"


def main() -> None:
    submissions = read_submissions(Path(__file__).with_name("submissions"))
    for name, verdicts in grade(submissions).items():
        print(f"{name}: {verdicts.count('correct')} of {len(CASES)}")
        for (first, second, _), said in zip(CASES, verdicts, strict=True):
            if said != "correct":
                print(f"    {first}, {second}: {said}")


if __name__ == "__main__":
    main()
