"""The baseline's jumps and calls to addresses that instructions before have made of literals."""

from __future__ import annotations

import pytest

from lrvm_jit import TranslatorOptions
from lrvm_jit.isa import encode
from lrvm_jit.isa.table import Reg
from lrvm_jit.jit.baseline.code import is_supported
from tests.machine.guest import Machine, machine
from tests.machine.paging import paged

pytestmark = pytest.mark.skipif(not is_supported(), reason="no baseline tier on this system")

BASELINE = TranslatorOptions(tiers=("baseline",), cache=False)
FAR = """
    cpy c0, 50
loop:
    {call}
    inc a1
    dec c0
    cmp c0, 0
    ifnq
    jp loop
    halt
leaf:
    add a0, 3
    ret
other:
    add a0, 100
    ret
"""
CALLS = {
    "cpy": "cpy avr, leaf\ncall avr",
    "cpy and shl": "cpy a7, 0x1000\nshl a7, 2\ncall a7",
    "cpy, shl, bor": "cpy avr, 0\nshl avr, 16\nbor avr, leaf\ncall avr",
    "cpy, shl, add": "cpy avr, 0x10\nshl avr, 8\nadd avr, leaf\nsub avr, 0x1000\ncall avr",
    "add alone": "cpy a5, 8\nadd a5, leaf\nsub a5, 8\ncall a5",
    "only sometimes": "cpy avr, other\nand c0, 3\ncmp c0, 1\nifeq\ncpy avr, leaf\ncall avr",
    "another register": "cpy a5, other\ncpy avr, leaf\ncall a5",
    "too far a shift": "cpy avr, leaf\nshl avr, 32\nadd avr, leaf\ncall avr",
    "not aligned": "cpy avr, leaf\nbor avr, 2\nsub avr, 2\ncall avr",
    "a jump": "cpy avr, 0\nshl avr, 16\nbor avr, past\njp avr\nadd a0, 1000\npast:",
    "the end of all": "cpy avr, 0xFFFF\nshl avr, 16\nadd avr, leaf\nsub avr, leaf\nadd a0, avr",
}


def ended(source: str, engine: TranslatorOptions | str, *budgets: int, make=machine) -> Machine:  # type: ignore[no-untyped-def]
    built: Machine = make(source, engine, ssp=0x3000, ev=0x2000)
    built.ram.words[0x1000] = encode("add", Reg.A0, 7)
    built.ram.words[0x1001] = encode("pop", Reg.PC)
    for budget in budgets:
        built.run(max_cycles=budget)
    return built


@pytest.mark.parametrize("make", [machine, paged])
@pytest.mark.parametrize("name", CALLS)
def test_they_lead_where_they_say(name: str, make) -> None:  # type: ignore[no-untyped-def]
    """However the address is made, and where the words only look as if they made it."""
    source = FAR.format(call=CALLS[name])
    seen = [
        ended(source, engine, 37, 11, 2000, make=make).state for engine in ("reference", BASELINE)
    ]
    assert seen[0] == seen[1]


def test_a_loop_over_them_is_one_request() -> None:
    """What is called in this way is found like what literal addresses lead to, and entered
    directly: without a stop for each function that is met."""
    functions = "\n".join(f"f{k}:\nadd a0, {k}\nret" for k in range(300))
    calls = "\n".join(f"cpy avr, f{k}\nshl avr, 0\ncall avr" for k in range(300))
    built = machine(f"{calls}\nhalt\n{functions}", BASELINE, ssp=0x8000)
    built.run(max_cycles=8)
    before = built.board.stats().blocks
    built.run()
    assert built.a0 == sum(range(300))
    assert before > 600
    assert built.board.stats().blocks - before < 10


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_a_word_of_the_address_changes(place: int) -> None:
    """The direct call goes with any of the words that it relies on."""
    source = FAR.format(call="here: cpy avr, 0\nshl avr, 16\nbor avr, leaf\ncall avr")
    new = [
        encode("cpy", Reg.AVR, 0),
        encode("shl", Reg.AVR, 17),
        None,
        encode("call", Reg.AVR),
    ][place]

    def seen(engine: TranslatorOptions | str) -> tuple[list[int], int, bool]:
        built = machine(source, engine, ssp=0x3000)
        built.run(max_cycles=100)
        word = encode("bor", Reg.AVR, built.labels["other"]) if new is None else new
        built.ram.words[built.labels["here"] // 4 + place] = word
        built.run()
        return built.state

    assert seen(BASELINE) == seen("reference")
