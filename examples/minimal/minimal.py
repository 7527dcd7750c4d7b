"""The least that runs a program: a board with a ROM. The host reads the result in a register."""

from pathlib import Path

from lrvm_components import BootRom
from lrvm_jit import Motherboard
from lrvm_tools.lasm import assemble_file


def main() -> int:
    program = assemble_file(Path(__file__).with_name("minimal.lasm"))
    with Motherboard([BootRom(program)]) as board:
        board.map_contiguous(0)  # the CPU starts at address 0
        board.reset()  # a machine is halted until its first reset
        stop = board.run()
        print(f"{stop.reason} after {stop.cycles} cycles, a0 = {board.cpu.regs.a0}")
        return board.cpu.regs.a0


if __name__ == "__main__":
    main()
