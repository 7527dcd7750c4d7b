"""The back end: a module of LLVM IR becomes an object file."""

from __future__ import annotations

import re

from lrvm_jit.isa.table import BY_MNEMONIC, Reg

from ..lasm import AssemblyError, assemble_program
from .allocate import FULL_POOL, Pool, allocate
from .data import variable_section
from .debug import FunctionNote, Positions, VariableNote
from .emit import emit_function
from .errors import UnsupportedError
from .ir.module import Function, Module, Operand
from .ir.parser import parse_module
from .locations import spread
from .objects import Fixup, Kind, ObjectFile, Section
from .peephole import improve
from .select.function import select_function
from .select.inline import InlineAssembly
from .target import CALL_I, CPY_I

_LOCAL = ("private", "internal")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KNOWN_WORDS = {*BY_MNEMONIC, *(str(reg) for reg in Reg)}


def compile_module(
    text: str,
    name: str,
    check: bool = False,
    debug: bool = False,
    pool: Pool = FULL_POOL,
    leave_out: bool = False,
) -> ObjectFile:
    """Compile the text of a module.

    `check` adds tests for reads of NULL and a full stack, `debug` takes source positions over,
    `leave_out` leaves functions out that cannot be translated. Raises UnsupportedError, which
    names the source line if the module has positions.
    """
    module = parse_module(text)
    positions = Positions(module.metadata)
    try:
        compiler = _Compiler(module, name, positions, check, debug, pool)
        return compiler.run(leave_out)
    except UnsupportedError as error:
        raise positions.explained(error) from None


class _Compiler:
    def __init__(
        self,
        module: Module,
        name: str,
        positions: Positions,
        check: bool,
        debug: bool,
        pool: Pool,
    ) -> None:
        self.module = module
        self.object = ObjectFile(name)
        self.positions = positions
        self.check = check
        self.debug = debug
        self.pool = pool
        self.assemblies = 0

    def run(self, leave_out: bool) -> ObjectFile:
        module = self.module
        exported: dict[str, set[str]] = {}
        for variable in module.variables.values():
            if variable.initial is not None:
                _block_addresses(variable.initial, exported)
        for variable in module.variables.values():
            if variable.name in ("llvm.global_ctors", "llvm.global_dtors"):
                self._constructors(variable.initial, variable.name.endswith("dtors"))
            elif variable.initial is not None:
                if variable.linkage == "available_externally":
                    continue
                section = variable_section(module, variable)
                if variable.debug:
                    section.debug = VariableNote(variable.debug, self.positions)
                self._add(section, variable.linkage)
            elif variable.linkage == "extern_weak":
                self.object.weak_references.add(variable.name)
        for function in module.functions.values():
            if function.linkage == "available_externally":
                continue
            try:
                self._function(function, exported.get(function.name, set()))
            except UnsupportedError:
                if not leave_out:
                    raise
        for alias, (target, linkage) in module.aliases.items():
            if target[0] != "global":
                raise UnsupportedError(f"{alias} is another name for something unusual")
            self.object.aliases[alias] = (target[2], target[3], _binding(linkage))
        for declared, linkage in module.declared.items():
            if linkage == "extern_weak":
                self.object.weak_references.add(declared)
        return self.object

    def _function(self, function: Function, exported: set[str]) -> None:
        machine = select_function(self.module, function, self.check, self.debug)
        for label in exported:
            machine.exported[f"{function.name}:{label}"] = label
        saved = allocate(machine, self.pool)
        improve(machine)
        if self.debug:
            spread(machine)
        sections = emit_function(machine, saved, self._assemble)
        if self.debug:
            frame = sections[0].debug
            sections[0].debug = FunctionNote(machine, function, self.positions, frame)
        else:
            sections[0].debug = None
        self._add(sections[0], function.linkage)
        for table in sections[1:]:
            self._add(table, "private")

    def _add(self, section: Section, linkage: str) -> None:
        place = section.placement
        if place.startswith("@"):
            try:
                section.address = int(place[1:], 0)
            except ValueError:
                raise UnsupportedError(
                    f"the section {place!r} is no address such as @0x20000", section.name
                ) from None
        number = len(self.object.sections)
        self.object.sections.append(section)
        self.object.symbols[section.name] = (number, _binding(linkage))

    def _constructors(self, initial: Operand | None, is_destructor: bool) -> None:
        if initial is None or initial[0] != "list":
            return
        for entry in initial[2]:
            priority, function = entry[2][0], entry[2][1]
            if function[0] == "global":
                self.object.constructors.append((priority[2], function[2], int(is_destructor)))

    # Inline assembly.

    def _assemble(
        self, code: InlineAssembly, results: list[int], operands: list[int]
    ) -> tuple[list[int], list[Fixup]]:
        """The words of an asm statement. What depends on its place or on symbols of the program
        is found by assembling it with two values for each, and becomes a fixup."""
        self.assemblies += 1
        lines = code.lines(results, operands, self.assemblies)
        text = "\n".join(lines)
        names = [
            name
            for name in dict.fromkeys(_NAME.findall(text))
            if name not in _KNOWN_WORDS and self._is_symbol(name)
        ]
        base = 0x400

        def words(shift: int, changed: str) -> list[int]:
            symbols = "".join(
                f"{name} = {0x7000 + 4 * place + (0x400 if name == changed else 0)}\n"
                for place, name in enumerate(names)
            )
            try:
                source = f"{symbols}#addr {base + shift}\n__asm:\n{text}\n"
                return [int(word) for word in assemble_program(source).words[(base + shift) // 4 :]]
            except AssemblyError as error:
                first = error.diagnostics[0]
                message = f"assembly: {first.message} in: {first.source_line.strip()}"
                raise UnsupportedError(message, f"asm {code.debug}") from None

        if not text:
            return [], []
        plain = words(0, "")
        fixups: list[Fixup] = []
        for number, (one, other) in enumerate(zip(plain, words(0x100, ""), strict=True)):
            if one != other:
                target = ((one & 0xFFFF) - base) // 4
                if one >> 24 != CPY_I or one >> 16 & 0xFF != Reg.PC:
                    raise UnsupportedError(
                        "assembly inside of C may use its own labels with `jp` and relative "
                        "jumps only",
                        f"asm {code.debug}",
                    )
                fixups.append((number, int(Kind.CONDITIONAL_JUMP), target, 0, 0))
        for name in names:
            for number, (one, other) in enumerate(zip(plain, words(0, name), strict=True)):
                if one == other:
                    continue
                if one >> 24 == CALL_I:
                    fixups.append((number, int(Kind.CALL), name, 0, 0))
                elif one >> 24 == CPY_I:
                    fixups.append((number, int(Kind.ADDRESS), name, 0, one >> 16 & 0xFF))
                else:
                    raise UnsupportedError(
                        f"assembly inside of C may use {name} with `call` and `cpy` only",
                        f"asm {code.debug}",
                    )
        return plain, fixups

    def _is_symbol(self, name: str) -> bool:
        module = self.module
        return name in module.functions or name in module.variables or name in module.declared


def _binding(linkage: str) -> str:
    if linkage in _LOCAL:
        return "local"
    return "weak" if linkage.startswith(("weak", "linkonce", "common")) else "global"


def _block_addresses(operand: Operand, found: dict[str, set[str]]) -> None:
    kind = operand[0]
    if kind == "block":
        found.setdefault(operand[2], set()).add(operand[3])
    elif kind == "list":
        for element in operand[2]:
            _block_addresses(element, found)
    elif kind == "expression":
        for element in operand[2].args:
            _block_addresses(element, found)
