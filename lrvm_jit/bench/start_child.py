"""One run of a program in a new process: `python -m lrvm_jit.bench.start_child`, for `start`.

Arguments: the program's name, the engine, a file with the program's words ("" to assemble or read
them here), and "run" or "curve". Prints the seconds of the run, or for a curve lines of
seconds and instructions done. Imports as little as it can: the whole process is measured as well.
"""

from __future__ import annotations

import sys
import time

import numpy

from . import programs

FIRST_POINT = 2000
"""Instructions up to the first point of a curve,"""
GROWTH = 1.25
"""and how many times as many there are at each further one."""


def main(name: str, engine: str, words: str, manner: str) -> None:
    """Run, and print."""
    if words:
        image = numpy.fromfile(words, numpy.uint32)
        programs.image = lambda name: image  # type: ignore[assignment]
        program = next(one for one in programs.LASM_PROGRAMS if one.name == name)
    else:
        from .suite import BY_NAME

        program = BY_NAME[name]
    board = program.board(engine)
    program.start(board)
    points: list[tuple[float, int]] = []
    start = time.perf_counter()
    if manner == "run":
        board.run()
        points.append((time.perf_counter() - start, 0))
    else:
        wanted = float(FIRST_POINT)
        while not board.cpu.halted:
            done = board.cpu.cycles
            board.run(max_cycles=max(int(wanted) - done, 1))
            points.append((time.perf_counter() - start, board.cpu.cycles))
            wanted *= GROWTH
    program.check(board)
    print("\n".join(f"{seconds:.9f} {done}" for seconds, done in points))


if __name__ == "__main__":
    main(*sys.argv[1:])
