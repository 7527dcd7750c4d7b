"""All programs of the benchmark."""

from __future__ import annotations

from .c_programs import C_PROGRAMS
from .programs import LASM_PROGRAMS

PROGRAMS = (*LASM_PROGRAMS, *C_PROGRAMS)
BY_NAME = {program.name: program for program in PROGRAMS}
