"""Numbers that users give: all integer types, refused by name if they are none or out of range."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import pytest

from lrvm_components import (
    BasicDebug,
    BootRom,
    BufferedDisplay,
    CharDisplay,
    CharKeyboard,
    FileMemory,
    FlashMemory,
    Host,
    LineKeyboard,
    NumberDisplay,
    Ram,
    RealtimeClock,
)
from lrvm_jit import HardwareError, MemoryWindow, Metadata, Motherboard, TranslatorOptions
from lrvm_jit.arguments import whole_number
from lrvm_jit.batch import (
    Batch,
    CharInput,
    CharOutput,
    CycleClock,
    PerLane,
    RandomSource,
    WordInput,
)
from lrvm_jit.batch.component import PartlyServedError
from lrvm_jit.isa import decode, encode
from lrvm_jit.isa.table import Reg
from lrvm_jit.modular import LrvmProcessor, Machine, Port, SharedRam, Terminate
from lrvm_jit.modular.compiled import CompiledPeripheral, CompiledProcessor
from lrvm_tools import Label, Program, RunConfig
from lrvm_tools.disassembly import analyse
from lrvm_tools.machines import default_machine

HALT = encode("halt")
_METADATA: dict[str, Any] = {"hardware_id": 1, "size": 4, "category": 1, "type": 1}


def board() -> Motherboard:
    return Motherboard([BootRom([HALT]), Ram(16)], "reference")


def mapped() -> Motherboard:
    built = board()
    built.map_contiguous(0)
    built.reset()
    return built


def lanes(**options: Any) -> Batch:
    return Batch([HALT], **{"n": 2, "ram_size": 8, "threads": 1, **options})


def attribute(make: Callable[[], Any], path: str) -> Callable[[Any], Any]:
    """Sets an attribute or an element."""

    def act(value: Any) -> Any:
        target = make()
        *way, last = path.split(".")
        for name in way:
            target = getattr(target, name)
        setattr(target, last, value)
        return getattr(target, last)

    return act


def hooked(kind: str, **options: Any) -> Any:
    return mapped().on(kind, print, **options)


def metadata_with(field: str) -> Callable[[Any], Any]:
    return lambda value: Metadata(**{**_METADATA, field: value})


def stream_with(option: str) -> Callable[[Any], Any]:
    return lambda value: Batch.stream([HALT], 2, **{option: value})


def modular_step(rounds: Any) -> Any:
    return Machine([], [CompiledProcessor(1, _ends)]).run(scheduler="cooperative").step(rounds)


def _ends(state: Any, bus: Any) -> int:
    return 0


def _answers(state: Any, query: int, address: int, value: int) -> tuple[int, int]:
    return 0, 0


@dataclass(frozen=True)
class Parameter:
    """A number of the public interface: what uses it, a good one, and those that are refused."""

    name: str
    use: Callable[[Any], Any]
    good: int
    wrong: Sequence[int] = (-1,)
    called: str = ""
    """What messages call it; by default as the parameter."""
    other_types: tuple[type, ...] = ()
    """What it takes beside whole numbers."""


PARAMETERS = [
    Parameter("Motherboard.map(address)", lambda v: board().map(v, 1), 8, (-4, 1 << 32)),
    Parameter("Motherboard.map(component)", lambda v: board().map(0, v), 1, (-1, 2)),
    Parameter("Motherboard.map_abs(first)", lambda v: board().map_abs(v, 8, 1), 4, (-4, 1 << 32)),
    Parameter("Motherboard.map_abs(last)", lambda v: board().map_abs(0, v, 1), 4, (-4, 1 << 32)),
    Parameter("Motherboard.map_abs(component)", lambda v: board().map_abs(0, 4, v), 1, (-1, 2)),
    Parameter("Motherboard.map_contiguous(address)", lambda v: board().map_contiguous(v), 8, ()),
    Parameter(
        "Motherboard.map_contiguous(components)",
        lambda v: board().map_contiguous(0, [v]),
        1,
        (),
        "a component's id",
    ),
    Parameter("Motherboard.run(max_cycles)", lambda v: mapped().run(v), 5),
    Parameter(
        "Motherboard.breakpoints",
        lambda v: setattr(board(), "breakpoints", [v]),
        4,
        (-4, 1 << 32, 2),
        "a breakpoint",
    ),
    Parameter(
        "Motherboard.watchpoints",
        lambda v: setattr(board(), "watchpoints", [v]),
        4,
        (-4, 1 << 32, 2),
        "a watchpoint",
    ),
    Parameter("Memory.read(address)", lambda v: mapped().memory.read(v), 4, (-4, 1 << 32, 2)),
    Parameter("Memory.write(address)", lambda v: mapped().memory.write(v, 1), 4, (-4, 1 << 32)),
    Parameter("Memory.write(word)", lambda v: mapped().memory.write(4, v), 5, (-1, 1 << 32)),
    Parameter("Memory.load(address)", lambda v: mapped().memory.load(v, [1]), 4, (-4, 1 << 32)),
    Parameter(
        "Memory.load(words)", lambda v: mapped().memory.load(4, [v]), 5, (-1, 1 << 32), "a word"
    ),
    Parameter("Memory.dump(first)", lambda v: mapped().memory.dump(v, 8), 4, (-4, 1 << 32, 12)),
    Parameter("Memory.dump(last)", lambda v: mapped().memory.dump(0, v), 4, (-4, 1 << 32)),
    Parameter("MemoryMap.of(component)", lambda v: board().mappings.of(v), 1, ()),
    Parameter("Registers.a0", attribute(mapped, "cpu.regs.a0"), 5, (-1, 1 << 32), "a0"),
    Parameter("HardwareError(code)", lambda v: HardwareError(v), 5, (-1, 256)),
    Parameter("HardwareError(data)", lambda v: HardwareError(1, v), 5, (-1, 256)),
    Parameter("MemoryWindow(offset)", lambda v: _window(v), 4, (-4, 2)),
    *(
        Parameter(
            f"Metadata({name})",
            metadata_with(name),
            5,
            (-1, 1 << bits),
        )
        for name, bits in (
            ("hardware_id", 64),
            ("size", 32),
            ("category", 32),
            ("type", 32),
            ("model", 32),
            ("data", 64),
        )
    ),
    Parameter(
        "Metadata.from_words(words)",
        lambda v: Metadata.from_words([v] * 8),
        5,
        (-1, 1 << 32),
        "a metadata word",
    ),
    Parameter("TranslatorOptions(threshold)", lambda v: TranslatorOptions(v), 5, (0,)),
    Parameter(
        "TranslatorOptions(max_instructions)",
        lambda v: TranslatorOptions(max_instructions=v),
        8,
        (7, 16385),
    ),
    Parameter(
        "TranslatorOptions(vector_lanes)", lambda v: TranslatorOptions(vector_lanes=v), 8, (7, 64)
    ),
    Parameter("TranslatorOptions(max_bytes)", lambda v: TranslatorOptions(max_bytes=v), 65536),
    *(
        Parameter(f"Motherboard.on({name})", on, good, bad)
        for name, on, good, bad in (
            ("address", lambda v: hooked("breakpoint", address=v), 8, (-1, 1 << 32)),
            ("words", lambda v: hooked("memory", address=8, words=v), 2, (-1, 0)),
            ("component", lambda v: hooked("component", component=v), 0, (-1, 9)),
            ("code", lambda v: hooked("exception", code=v), 6, (-1, 256)),
        )
    ),
    Parameter("encode(operand)", lambda v: encode("cpy", Reg.A0, v), 5, (1 << 16,), "operand"),
    Parameter("decode(word)", lambda v: decode(v), HALT, ()),
    Parameter("BootRom(words)", lambda v: BootRom([v]), 5, (-1, 1 << 32), "a word"),
    Parameter("BootRom(size)", lambda v: BootRom([], v), 8, (-4, 2, 1 << 32)),
    Parameter("Ram(size)", lambda v: Ram(v), 8, (-4, 0, 2, 1 << 32)),
    *(
        Parameter(f"{name}(hw_id)", make, 5, (-1, 1 << 64))
        for name, make in (
            ("BasicDebug", lambda v: BasicDebug(hw_id=v)),
            ("BootRom", lambda v: BootRom([0], hw_id=v)),
            ("BufferedDisplay", lambda v: BufferedDisplay(8, hw_id=v)),
            ("CharDisplay", lambda v: CharDisplay(hw_id=v)),
            ("CharKeyboard", lambda v: CharKeyboard(hw_id=v)),
            ("CharInput", lambda v: CharInput(hw_id=v)),
            ("CharInput.from_texts", lambda v: CharInput.from_texts(["a"], hw_id=v)),
            ("CharOutput", lambda v: CharOutput(hw_id=v)),
            ("CycleClock", lambda v: CycleClock(hw_id=v)),
            ("FileMemory", lambda v: FileMemory(Path(__file__), 8, hw_id=v).close()),
            ("FlashMemory", lambda v: FlashMemory(8, hw_id=v)),
            ("Host", lambda v: Host(hw_id=v)),
            ("LineKeyboard", lambda v: LineKeyboard(8, hw_id=v)),
            ("NumberDisplay", lambda v: NumberDisplay(hw_id=v)),
            ("Ram", lambda v: Ram(8, hw_id=v)),
            ("RandomSource", lambda v: RandomSource(1, hw_id=v)),
            ("RealtimeClock", lambda v: RealtimeClock(hw_id=v)),
            ("WordInput", lambda v: WordInput(numpy.zeros((2, 1), numpy.uint32), hw_id=v)),
            ("WordInput.from_texts", lambda v: WordInput.from_texts(["a"], hw_id=v)),
        )
    ),
    Parameter("FlashMemory(size)", lambda v: FlashMemory(v), 8, (-4, 0, 2, 1 << 32)),
    Parameter("FileMemory(size)", lambda v: FileMemory(Path(__file__), v).close(), 8, (-4, 0)),
    Parameter("BufferedDisplay(size)", lambda v: BufferedDisplay(v), 8, (-4, 4, 10)),
    Parameter("LineKeyboard(size)", lambda v: LineKeyboard(v), 8, (-4, 4, 10)),
    Parameter("Batch(n)", lambda v: lanes(n=v), 3),
    Parameter("Batch.board(lane)", lambda v: lanes().board(v).close(), 1, (-1, 2)),
    Parameter("Batch.back_to_template(used)", lambda v: lanes().back_to_template(v), 1, (-1, 3)),
    Parameter("Batch(ram_size)", lambda v: lanes(ram_size=v), 8, (-4, 2)),
    Parameter("Batch(rom_size)", lambda v: lanes(rom_size=v), 8, (-4, 0, 2)),
    Parameter("Batch(threads)", lambda v: lanes(threads=v), 1, (0,)),
    Parameter("Batch(program)", lambda v: Batch([v], n=1), HALT, (-1, 1 << 32), "a word", (list,)),
    Parameter(
        "Batch(components)",
        lambda v: Batch(board(), 2, components={v: CharOutput()}),
        1,
        (-1, 2),
        "a component's id",
        (list,),
    ),
    Parameter("Batch.run(max_cycles)", lambda v: lanes().run(v), 5),
    Parameter("Batch.run(count)", lambda v: lanes().run(count=v), 1, (-1, 3)),
    Parameter("Batch.address_of(component)", lambda v: lanes().address_of(v), 1, ()),
    Parameter("Batch.stream(n)", lambda v: Batch.stream([HALT], v), 2),
    *(
        Parameter(
            f"Batch.stream({name})",
            stream_with(name),
            good,
            wrong,
        )
        for name, good, wrong in (
            ("max_cycles", 5, (-1,)),
            ("chunk", 2, (0,)),
            ("ram_size", 8, (-4, 2)),
            ("rom_size", 8, (-4, 0, 2)),
            ("threads", 1, (0,)),
        )
    ),
    Parameter("BatchResult.exception_of(lane)", lambda v: lanes().run(5).exception_of(v), 1, ()),
    Parameter("CharOutput(limit)", lambda v: CharOutput(v), 5),
    Parameter("CharOutput.words(lane)", lambda v: _plugged(CharOutput()).words(v), 1, ()),
    Parameter("CharOutput.text(lane)", lambda v: _plugged(CharOutput()).text(v), 1, ()),
    Parameter("CharOutput.put(lane)", lambda v: _plugged(CharOutput()).put(v, "a"), 1, ()),
    Parameter("CharInput.take(lane)", lambda v: _plugged(CharInput()).take(v), 1, ()),
    Parameter(
        "default_machine(ram_size)", lambda v: default_machine(None, ram_size=v).close(), 8, (-4,)
    ),
    Parameter("CharOutput.array(width)", lambda v: _plugged(CharOutput()).array(v), 1),
    Parameter("RandomSource(seed)", lambda v: RandomSource(v), 5, (-1, 1 << 64)),
    Parameter("RandomSource.words(lane)", lambda v: RandomSource(1).words(v, 2), 5, (-1,)),
    Parameter("RandomSource.words(count)", lambda v: RandomSource(1).words(0, v), 5, (-1,)),
    Parameter("RandomSource.words(first)", lambda v: RandomSource(1).words(0, 2, v), 5, (-1,)),
    Parameter("CycleClock(hertz)", lambda v: CycleClock(v), 5, (0,)),
    Parameter("CycleClock(start)", lambda v: CycleClock(1, v), 5),
    Parameter("PerLane.component(lane)", lambda v: PerLane(lambda _: Ram(4)).component(v), 0, ()),
    Parameter("PartlyServedError(served)", lambda v: PartlyServedError(v), 5),
    Parameter("Port(channel)", lambda v: Port(v, 4), 5),
    Parameter("Port.like(channel)", lambda v: Port.like(v, Ram(4)), 5),
    Parameter("Port(size)", lambda v: Port(0, v), 8),
    Parameter("SharedRam(size)", lambda v: SharedRam(v), 8, (-4, 0, 2, 1 << 32)),
    Parameter("SharedRam(image)", lambda v: SharedRam(8, [v]), 5, (-1, 1 << 32), "a word"),
    Parameter("Terminate(code)", lambda v: Terminate(v), 5, ()),
    Parameter(
        "LrvmProcessor(ports)",
        lambda v: LrvmProcessor([HALT], ports={v: Port(0, 4)}),
        8,
        (-4, 1 << 32),
        "address",
        (list,),
    ),
    Parameter(
        "LrvmProcessor(registers)",
        lambda v: LrvmProcessor([HALT], registers={"a0": v}).boot([]),
        5,
        (-1, 1 << 32),
        "a0",
    ),
    Parameter("LrvmProcessor(batch)", lambda v: LrvmProcessor([HALT], batch=v), 5, (0,)),
    Parameter("LrvmProcessor(ram_size)", lambda v: LrvmProcessor([HALT], ram_size=v), 8, (-4, 2)),
    Parameter("MachineHandle.step(rounds)", modular_step, 1, (0,)),
    Parameter(
        "CompiledProcessor(state)",
        lambda v: CompiledProcessor(v, _ends),
        5,
        (-1,),
        "a state",
        (list,),
    ),
    Parameter(
        "CompiledPeripheral(state)",
        lambda v: CompiledPeripheral([1, v], _answers),
        5,
        (1 << 63,),
        "of a state",
        (list,),
    ),
    Parameter("RunConfig(cycle_limit)", lambda v: RunConfig(cycle_limit=v), 5),
    Parameter("RunConfig(repeated_exceptions)", lambda v: RunConfig(repeated_exceptions=v), 5),
    *(
        Parameter(f"RunConfig.{name}(cycle_limit)", getattr(RunConfig, name), 5)
        for name in ("default", "halt_on_ex", "quiet", "verbose")
    ),
    Parameter("Label(offset)", lambda v: Label("a", v), 5, ()),
    Parameter(
        "Program.word(values)", lambda v: Program().word(v), 5, (1 << 32,), "a raw word", (str,)
    ),
    Parameter("analyse(entries)", lambda v: analyse([HALT], [v]), 0, (-4, 8), "an entry point"),
    Parameter("analyse(min_text)", lambda v: analyse([HALT], min_text=v), 5),
]


def _window(offset: Any) -> MemoryWindow:
    return MemoryWindow(offset, numpy.zeros(1, numpy.uint32))


def _plugged(component: CharOutput | CharInput) -> Any:
    Batch([HALT], 2, components=[component], threads=1)
    return component


class Indexed:
    """A number of a library that nobody has heard of."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


def called(parameter: Parameter) -> str:
    return parameter.called or re.findall(r"\w+", parameter.name)[-1]


every_parameter = pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.name)


@every_parameter
def test_numbers_of_all_integer_types_are_taken(parameter: Parameter) -> None:
    """And do not wrap around: sums with a uint8 would."""
    for kind in (int, Indexed, numpy.int64, numpy.uint32, numpy.uint8):
        if kind is not numpy.uint8 or parameter.good < 256:
            parameter.use(kind(parameter.good))


@every_parameter
def test_what_is_no_whole_number_is_refused_by_name(parameter: Parameter) -> None:
    good = parameter.good
    for value in (float(good), numpy.float32(good), good + 0.5, str(good), [good, good], 1e6):
        if type(value) in parameter.other_types:
            continue
        kind = ValueError if parameter.name == "encode(operand)" else TypeError
        with pytest.raises(kind) as caught:
            parameter.use(value)
        assert called(parameter) in str(caught.value)


@every_parameter
def test_numbers_out_of_range_are_refused(parameter: Parameter) -> None:
    """Each as an int and as numpy has it, with the number in the message."""
    for wrong in parameter.wrong:
        for value in (wrong, numpy.int64(wrong) if -(1 << 63) <= wrong < 1 << 63 else wrong):
            with pytest.raises(ValueError, match=f"(?i){wrong}|{wrong:#x}|{wrong:#010x}"):
                parameter.use(value)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (1e6, "10**6"),
        (5e6, "5 * 10**6"),
        (100.0, "100"),
        (-2e9, "-2 * 10**9"),
        (0.0, "0"),
        (numpy.float32(4096), "4096"),
        ("0x10", "0x10 without quotes"),
    ],
)
def test_hints(value: object, hint: str) -> None:
    with pytest.raises(TypeError, match=re.escape(f"write {hint}") + "$"):
        whole_number("size", value)


@pytest.mark.parametrize("value", [2.5, float("inf"), float("nan"), "ten", None, b"1"])
def test_no_hint_where_none_can_be_given(value: object) -> None:
    with pytest.raises(TypeError, match="size must be a whole number") as caught:
        whole_number("size", value)
    assert "write" not in str(caught.value)


def test_an_address_of_numpy_does_not_wrap_around() -> None:
    """It did: 0xFFFFFFF4 and 16 bytes more became 0x00000003."""
    with pytest.raises(ValueError, match="past the address space"):
        board().map(numpy.uint32(0xFFFF_FFF4), 1)  # type: ignore[arg-type]


TEXT: Any = "halt"
NUMBER: Any = 1
FLOATS: Any = [1.5]


@pytest.mark.parametrize(
    ("use", "wanted"),
    [
        (lambda: board().map_contiguous(TEXT), "address must be a whole number"),
        (lambda: board().map_contiguous(0, TEXT), "components must be a sequence of whole numbers"),
        (lambda: board().map_contiguous(0, NUMBER), r"components must be .*: \[1\]"),
        (lambda: BootRom(TEXT), r"not the string 'halt'; lrvm_tools.assemble\(\)"),
        (lambda: BootRom(NUMBER), "words must be a sequence of whole numbers"),
        (lambda: mapped().memory.load(0, TEXT), "not the string 'halt'"),
        (lambda: Batch(TEXT, n=1), "not the string 'halt'"),
        (lambda: SharedRam(8, TEXT), "not the string 'halt'"),
        (lambda: LrvmProcessor(TEXT), "not the string 'halt'"),
        (lambda: setattr(board(), "breakpoints", 4), r"breakpoints must be .*: \[4\]"),
        (lambda: setattr(board(), "watchpoints", "4"), "watchpoints must be a sequence"),
        (lambda: CompiledProcessor(TEXT, _ends), "a state must be a sequence of whole numbers"),
        (
            lambda: CompiledProcessor([*FLOATS], _ends),
            "an element of a state must be a whole number",
        ),
    ],
)
def test_what_belongs_where_something_else_is_given(use: Callable[[], Any], wanted: str) -> None:
    with pytest.raises(TypeError, match=wanted):
        use()


# --- nothing is left out -------------------------------------------------------------------------

PUBLIC = (
    "lrvm_jit",
    "lrvm_jit.batch",
    "lrvm_jit.modular",
    "lrvm_components",
    "lrvm_tools",
    "lrvm_tools.disassembly",
    "lrvm_tools.machines",
)


def public_numbers() -> Iterator[str]:
    """All parameters of public callables that are annotated as whole numbers."""
    for module_name in PUBLIC:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            value = getattr(module, name)
            members: Mapping[str, Any] = {"": value}
            if isinstance(value, type):
                members = {"": value, **{k: getattr(value, k) for k in vars(value) if k[0] != "_"}}
            for member, function in members.items():
                if not callable(function):
                    continue
                try:
                    parameters = inspect.signature(function).parameters.values()
                except (ValueError, TypeError):
                    continue
                for parameter in parameters:
                    if re.search(r"\bint\b", str(parameter.annotation)):
                        owner = f"{name}.{member}" if member else name
                        yield f"{owner}({parameter.name})"


MADE_BY_THE_MACHINE = {
    "AssemblyError",
    "BatchResult",
    "Block",
    "DebugMessage",
    "Disassembly",
    "Edge",
    "GuestException",
    "Hook",
    "HookEvent",
    "HostFile",
    "LaneArrays",
    "LaneMemory",
    "Mapping",
    "MappingOutcome",
    "PartStatus",
    "Snapshot",
    "Statistics",
    "Stop",
    "StreamResult",
    "UnmappedAccess",
    "WatchHit",
}
"""Results, whose numbers are not the user's."""
CALLED_BY_THE_MACHINE = re.compile(
    r"\.(read|write|swap|command|plug_in|from_word|resolve|load_state|component)\("
)
"""Methods that are overridden, and such as take a word of the machine apart."""
MESSAGES = ("Data(", "Fail(", "Load(", "Save(", "Swap(")
"""Of modular machines: what is in them is between two parts, and checked where it is used."""
TAKEN_TOGETHER = (
    "DeviceCommand(number)",
    "MappedRegister(offset)",
    "MappedRegister(words)",
    "MappedRegister.span(end)",
    "MappedRegister.span(size)",
    "Motherboard.is_hooked(address)",
    "Batch.stream(components)",
    "Batch.stream(program)",
    "Host(clock)",
    "Host(monotonic)",
    "PerLane(factory)",
    "analyse(names)",
    "analyse(notes)",
)
"""Handed on to what is in the list, functions of numbers, questions, or what a class declares of
its registers, which the tests of the book compare with what it does."""


def test_no_number_is_left_out() -> None:
    """Each parameter of the public interface that takes whole numbers is tried above."""
    tried = {parameter.name for parameter in PARAMETERS}
    wanted = {
        name
        for name in public_numbers()
        if name.partition("(")[0].partition(".")[0] not in MADE_BY_THE_MACHINE
        and not CALLED_BY_THE_MACHINE.search(name)
        and not name.startswith(MESSAGES)
        and name not in TAKEN_TOGETHER
    }
    assert len(wanted) > 70
    assert not wanted - tried
