"""A machine with page tables, for the tests of the MMU.

Physical memory: RAM of 64 KiB at 0 with the program at 0, the table of virtual 0-4 MiB at 0x4000,
the directory at 0x8000, the table of virtual 4-8 MiB at 0xC000; then what the test adds. The
first 64 pages are mapped to themselves with all rights.
"""

from __future__ import annotations

from collections.abc import Sequence

from lrvm_jit import Component
from tests.engines import EngineChoice
from tests.machine.guest import Machine, machine

PASS_SUPERVISOR, PASS_USERLAND = 1 << 31, 1 << 30
READ, WRITE, EXECUTE = 1 << 29, 1 << 28, 1 << 27
USER_READ, USER_WRITE, USER_EXECUTE = 1 << 26, 1 << 25, 1 << 24
ALL = 0x3F << 24
RIGHTS = {
    ("supervisor", "read"): READ,
    ("supervisor", "write"): WRITE,
    ("supervisor", "execute"): EXECUTE,
    ("userland", "read"): USER_READ,
    ("userland", "write"): USER_WRITE,
    ("userland", "execute"): USER_EXECUTE,
}

LOW_TABLE, DIRECTORY, HIGH_TABLE = 0x4000, 0x8000, 0xC000
HIGH = 0x40_0000
"""First virtual address of the second table."""
FRAME = 0xA000
"""A physical page for tests."""


def paged(
    source: str, engine: EngineChoice, components: Sequence[Component] = (), **registers: int
) -> Machine:
    """The machine with translation on, about to execute its first instruction."""
    built = machine(source, engine, components, pda=DIRECTORY, mtt=1, **registers)
    words = built.ram.words
    words[DIRECTORY // 4] = ALL | LOW_TABLE // 16384
    words[DIRECTORY // 4 + 1] = ALL | HIGH_TABLE // 16384
    for page in range(64):
        words[LOW_TABLE // 4 + page] = ALL | page
    return built


def low_entry(address: int) -> int:
    """Physical address of the table entry of a virtual address below 4 MiB."""
    return LOW_TABLE + (address >> 10) * 4


def set_page(built: Machine, virtual: int, physical: int, rights: int = ALL) -> None:
    """Map a virtual page below 8 MiB to a physical one."""
    entry = low_entry(virtual) if virtual < HIGH else HIGH_TABLE + ((virtual - HIGH) >> 10) * 4
    built.ram.words[entry // 4] = rights | physical >> 10
