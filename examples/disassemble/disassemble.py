"""What the disassembler makes of a program: plain lines, LASM with labels, and the flow graph.

`lrvm dis` does the same on the command line.
"""

from __future__ import annotations

from pathlib import Path

from lrvm_tools import assemble, disassemble
from lrvm_tools.disassembly import analyse
from lrvm_tools.lasm import assemble_file


def main() -> None:
    words = assemble_file(Path(__file__).with_name("disassemble.lasm"))

    print("; --- every word as it stands, text and data included")
    print(disassemble(words, addresses=True))

    print("\n; --- code and data told apart")
    found = analyse(words)
    print(found.to_lasm(addresses=True))

    # Both texts are LASM, and give the same words again.
    assert (assemble(disassemble(words)) == words).all()
    assert (assemble(found.to_lasm()) == words).all()

    print("\n; --- ways between the basic blocks")
    for edge in found.graph().edges:
        print(f"; 0x{edge.source:04x} -> 0x{edge.target:04x} {edge.kind.value}")


if __name__ == "__main__":
    main()
