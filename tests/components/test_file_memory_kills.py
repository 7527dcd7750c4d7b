"""A process that is killed while it writes to a FileMemory leaves whole words, in their order."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

LONG = int(os.environ.get("LRVM_FUZZ") or 0)
WORDS = 64

# Round after round the guest fills the memory with the number of the round.
JOB = f"""
import sys
from lrvm_components import BootRom, FileMemory
from lrvm_jit import Motherboard
from lrvm_tools import assemble

program = assemble('''
    cpy a0, 0
round:
    inc a0
    cpy ac0, 0x1000
    cpy a1, {WORDS}
word:
    wsa ac0, 0, a0
    add ac0, 4
    dec a1
    ifnq
    jp word
    jp round
''')
with Motherboard([BootRom(program, 0x1000), FileMemory("disk", writable=True)]) as board:
    board.map_contiguous(0)
    board.reset()
    print("begins", flush=True)
    board.run()
"""


def test_killed(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    for seed in range(60 * LONG or 3):
        disk.write_bytes(bytes(4 * WORDS))
        with subprocess.Popen(
            [sys.executable, "-c", JOB], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "begins\n"
                # The kernel may have to be loaded first.
                while disk.read_bytes()[:4] == bytes(4):
                    assert process.poll() is None
                time.sleep(random.Random(seed).uniform(0, 0.05))
            finally:
                process.kill()
        assert process.returncode == -signal.SIGKILL
        words = struct.unpack(f">{WORDS}I", disk.read_bytes())
        written = words.count(words[0])
        assert words == (words[0],) * written + (words[0] - 1,) * (WORDS - written)
