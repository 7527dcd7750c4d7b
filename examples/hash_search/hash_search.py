"""Finds the numbers that have a certain hash, by hashing all that there are.

Each number has a machine of its own, a lane of a batch, which finds it in its register a0 and
leaves the hash there. So the search is one run, and one comparison of numpy arrays.
"""

from __future__ import annotations

from pathlib import Path

import numpy

from lrvm_jit.batch import Batch
from lrvm_jit.isa import Reg
from lrvm_tools.lasm import assemble_file

NUMBERS = 1 << 20


def search(wanted: int) -> list[int]:
    """The numbers below 2^20 whose hash is `wanted`."""
    program = assemble_file(Path(__file__).with_name("hash_search.lasm"))
    # The program uses no RAM, so its lanes get as little as there is: one word.
    with Batch(program, n=NUMBERS, ram_size=4) as batch:
        batch.regs[:, Reg.A0] = numpy.arange(NUMBERS)
        batch.run()
        found = numpy.flatnonzero(batch.regs[:, Reg.A0] == wanted)
    return [int(number) for number in found]


def main() -> None:
    for wanted in (0x94ABAD5B, 0x0168B26F, 0x0BADF00D):
        numbers = search(wanted)
        print(f"0x{wanted:08X} is the hash of {', '.join(map(str, numbers)) or 'no number'}")


if __name__ == "__main__":
    main()
