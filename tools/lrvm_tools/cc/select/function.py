"""A function of the IR as blocks of machine instructions on virtual registers."""

from __future__ import annotations

from typing import Final

from ..errors import UnsupportedError
from ..ir.module import Block, Function, Instruction, Module, Operand
from ..ir.types import Array, Integer, Struct, Type, first_word
from ..machine_code import (
    Branch,
    IndirectJump,
    Jump,
    MachineBlock,
    MachineFunction,
    Return,
    Stop,
    TableJump,
    VariablePlace,
    targets_of,
)
from ..target import (
    ADD_R,
    AND_R,
    BELOW,
    BOR_R,
    CMP_I,
    CMP_R,
    CPY_R,
    EQUAL,
    INVERSE,
    ITR_I,
    MUL_R,
    SUB_R,
    XOR_R,
    Pseudo,
)
from .flow import Flow
from .intrinsics import TRAP, Intrinsics
from .memory import Address
from .values import WORD, Part, literal

STACK_FULL: Final = 0x11
"""Interruption code of a stack that meets the heap (with --check)."""
_FLOAT_OPS: Final = frozenset("fadd fsub fmul fdiv frem".split())
_CONVERSIONS: Final = frozenset("fptrunc fpext fptoui fptosi uitofp sitofp".split())
_PASSING: Final = frozenset("phi select freeze".split())
_CLEAN_USERS: Final = frozenset(
    "zext sext icmp lshr ashr udiv sdiv urem srem switch uitofp sitofp inttoptr br select".split()
)
_CLEAN_RESULTS: Final = frozenset("load icmp fcmp zext lshr udiv urem extractvalue".split())
_PURE: Final = frozenset(
    "add sub mul udiv sdiv urem srem and or xor shl lshr ashr icmp fcmp select trunc zext sext "
    "ptrtoint ptrtoaddr inttoptr bitcast addrspacecast getelementptr freeze extractvalue "
    "insertvalue fadd fsub fmul fdiv frem fneg fptrunc fpext fptoui fptosi uitofp sitofp "
    "extractelement insertelement shufflevector".split()
)
_SMALLEST_TABLE: Final = 5
_LARGEST_TABLE: Final = 2048


def select_function(module: Module, source: Function, check: bool, debug: bool) -> MachineFunction:
    """Translate a function. Raises UnsupportedError whose place names the function and, where
    the module has them, the metadata node of the source position."""
    return _Selector(module, source, Flow(source), check).run(debug)


class _Selector(Intrinsics):
    def __init__(self, module: Module, source: Function, flow: Flow, check: bool) -> None:
        super().__init__(module, source, flow, check)
        self.out.section = source.section
        self.out.debug = source.debug
        self.reachable = [block for block in source.blocks if block.label in flow.number]
        self.edges: dict[tuple[str, str], str] = {}
        self.home: dict[str, str] = {}
        """The block of each result."""

    def run(self, debug: bool) -> MachineFunction:
        self._survey()
        entry = MachineBlock("", self.source.blocks[0].label)
        self.out.blocks.append(entry)
        self.use(entry)
        self.incoming()
        self._variables_on_stack(debug)
        if self.check and self.source.section != ".lrvm.start":
            self._check_stack()
        first = self.source.blocks[0].label
        if not self.flow.before[first]:
            # The first block goes on in the entry block, so that they share what they know.
            entry.label = first
            entry.depth = self.flow.depth[first]
        else:
            entry.end = Jump(first)
        for block in self.reachable:
            if block.label != first or entry.end is not None:
                machine = MachineBlock(block.label, block.label, self.flow.depth[block.label])
                self.out.blocks.append(machine)
                self.use(machine)
            self._block(block, debug)
        self._connect()
        by_label = {block.label: block for block in self.out.blocks}
        for label, code in self.flow.front_code.items():
            front = by_label[label]
            front.code[front.before_end : front.before_end] = code
        return self.out

    # What is known before anything is written.

    def _survey(self) -> None:
        users: dict[str, list[tuple[Instruction, int, str]]] = {}
        for block in self.reachable:
            for instruction in block.instructions:
                if instruction.name:
                    self.definitions[instruction.name] = instruction
                    self.home[instruction.name] = block.label
                for place, operand in enumerate(instruction.args):
                    self._note(operand, instruction, place, block.label, users)
                if instruction.op == "call" and not instruction.extra.is_assembly:
                    self._note(instruction.extra.target, instruction, -1, block.label, users)
        for block in self.reachable:
            self._sink_steps(block, users)
        self._choose_lazy(users)
        self._choose_clean(users)

    def _sink_steps(
        self, block: Block, users: dict[str, list[tuple[Instruction, int, str]]]
    ) -> None:
        """Move the step of a loop's variable behind the last use of its old value, so that both
        can share a register."""
        place = {id(one): number for number, one in enumerate(block.instructions)}
        moves: dict[int, list[Instruction]] = {}
        for number, one in enumerate(block.instructions):
            if one.op not in ("add", "sub", "getelementptr") or one.args[0][0] != "local":
                continue
            old = one.args[0][2]
            phi = self.definitions.get(old)
            if (
                phi is None
                or phi.op != "phi"
                or not any(arg[2:] == (one.name,) for arg in phi.args)
            ):
                continue
            last = max(place.get(id(user), -1) for user, _, _ in users[old] if user.op != "phi")
            if last == len(block.instructions) - 1:
                continue
            new_uses = [
                place[id(user)]
                for user, _, _ in users.get(one.name, ())
                if user.op != "phi" and id(user) in place
            ]
            if last > number and all(use > last for use in new_uses):
                moves.setdefault(last, []).append(one)
        if moves:
            moved = {id(one) for found in moves.values() for one in found}
            block.instructions = [
                one
                for number, instruction in enumerate(block.instructions)
                for one in (
                    *(() if id(instruction) in moved else (instruction,)),
                    *moves.get(number, ()),
                )
            ]

    def _note(
        self,
        operand: Operand,
        instruction: Instruction,
        place: int,
        label: str,
        users: dict[str, list[tuple[Instruction, int, str]]],
    ) -> None:
        if operand[0] == "local":
            users.setdefault(operand[2], []).append((instruction, place, label))
        elif operand[0] == "list":
            for element in operand[2]:
                self._note(element, instruction, -1, label, users)

    def _choose_lazy(self, users: dict[str, list[tuple[Instruction, int, str]]]) -> None:
        for block in self.reachable:
            for instruction in block.instructions:
                name, op = instruction.name, instruction.op
                using = users.get(name, [])
                if op == "icmp" and isinstance(instruction.type, Integer):
                    wide = instruction.args[0][1].words > 1
                    if (
                        using
                        and len(using) <= (1 if wide else 3)
                        and all(
                            (user.op == "br" or (user.op == "select" and place == 0))
                            and (label == block.label or not wide)
                            for user, place, label in using
                        )
                    ):
                        self.lazy.add(name)
                elif op == "fcmp" and isinstance(instruction.type, Integer):
                    if len(using) == 1 and using[0][0].op == "br" and using[0][2] == block.label:
                        last = block.instructions[-2:]
                        if last[0] is instruction:
                            self.lazy.add(name)
                elif op == "getelementptr" and not isinstance(instruction.type, Array):
                    if using and self._folds(instruction, using, block):
                        self.lazy.add(name)
                elif (
                    op in ("and", "or", "xor", "select")
                    and instruction.type == Integer(1)
                    and len(using) == 1
                    and using[0][0].op == "br"
                    and using[0][2] == block.label
                ):
                    self._lazy_condition(instruction, block, users)

    def _lazy_condition(
        self,
        instruction: Instruction,
        block: Block,
        users: dict[str, list[tuple[Instruction, int, str]]],
    ) -> None:
        """A condition made of others is branched on, one after the other."""
        if instruction.op == "xor" and instruction.args[1][0] != "int":
            return
        if instruction.op == "select" and not _logical(instruction):
            return
        self.lazy.add(instruction.name)
        for operand in instruction.args:
            if operand[0] != "local" or len(users[operand[2]]) != 1:
                continue
            inner = self.definitions.get(operand[2])
            if inner is None:
                continue
            if self.home[inner.name] != block.label or not isinstance(inner.type, Integer):
                continue
            if inner.op == "icmp":
                self.lazy.add(inner.name)
            elif inner.op in ("and", "or", "xor", "select"):
                self._lazy_condition(inner, block, users)

    def _folds(
        self, instruction: Instruction, using: list[tuple[Instruction, int, str]], block: Block
    ) -> bool:
        """Whether an address is best computed by the accesses that use it."""
        words = True
        for user, place, _ in using:
            if user.op == "load" and place == 0:
                type_, align = user.type, user.extra[0]
            elif user.op == "store" and place == 1:
                type_, align = user.args[0][1], user.extra[0]
            else:
                return False
            words = (
                words and type_.size == 4 and align >= 4 and not isinstance(type_, Struct | Array)
            )
        indices = [index for index in instruction.args[1:] if index[0] not in ("int", "zero")]
        base = instruction.args[0]
        if base[0] == "local" and base[2] in self.lazy:
            return False
        if not indices:
            return True
        if len(indices) > 1 or not words or len(using) > 2:
            return False
        # The index must be extended to a word for nothing.
        if indices[0][1].bits != 32:
            return False
        if any(label != block.label for _, _, label in using):
            return False
        offset = self._constant_offset(instruction)
        scale = self._scale(instruction)
        return scale <= 0xFF and (offset == 0 or base[0] == "global")

    def _scale(self, instruction: Instruction) -> int:
        type_: Type = instruction.extra
        for place, index in enumerate(instruction.args[1:]):
            if place:
                if isinstance(type_, Struct):
                    type_ = type_.fields[index[2] if index[0] == "int" else 0]
                    continue
                assert isinstance(type_, Array)
                type_ = type_.element
            if index[0] not in ("int", "zero"):
                return type_.size
        return 0

    def _constant_offset(self, instruction: Instruction) -> int:
        offset = 0
        type_: Type = instruction.extra
        for place, index in enumerate(instruction.args[1:]):
            number = index[2] if index[0] == "int" else 0
            if place:
                if isinstance(type_, Struct):
                    offset += type_.offsets[number]
                    type_ = type_.fields[number]
                    continue
                assert isinstance(type_, Array)
                type_ = type_.element
            offset += number * type_.size
        return offset

    def _choose_clean(self, users: dict[str, list[tuple[Instruction, int, str]]]) -> None:
        work = []
        for name, using in users.items():
            for user, place, _ in using:
                if (user.op in _CLEAN_USERS and not (user.op == "select" and place)) or (
                    user.op == "getelementptr"
                ):
                    work.append(name)
                    break
        while work:
            name = work.pop()
            if name in self.need_clean:
                continue
            self.need_clean.add(name)
            definition = self.definitions.get(name)
            if definition is not None and definition.op in _PASSING:
                work += [
                    operand[2]
                    for place, operand in enumerate(definition.args)
                    if operand[0] == "local" and not (definition.op == "select" and place == 0)
                ]

    def _variables_on_stack(self, debug: bool) -> None:
        """Frame objects for the variables of known size in the first block."""
        for instruction in self.source.blocks[0].instructions:
            if instruction.op != "alloca":
                continue
            type_, align = instruction.extra
            count = 1
            if instruction.args:
                if instruction.args[0][0] != "int":
                    continue
                count = instruction.args[0][2]
            if align > 8:
                continue
            self.objects[instruction.name] = self.frame_object(type_.size * count, align)
        if debug:
            for _, _, text in self.source.records:
                if text.startswith("#dbg_declare(ptr %"):
                    fields = text.split(", ")
                    name = fields[0].partition("%")[2].strip('"')
                    if name in self.objects:
                        self.out.places.append(VariablePlace(fields[1], self.objects[name]))

    def _check_stack(self) -> None:
        limit = self.load_word(Address("__lrvm_stack_limit"))
        stack = self.new()
        self.emit([Pseudo.GETSP, stack])
        self.emit([CMP_R, stack, limit])
        self.emit([*BELOW])
        self.emit([ITR_I, STACK_FULL])

    # Instructions.

    def _block(self, block: Block, debug: bool) -> None:
        position = ""
        for instruction in block.instructions:
            if debug and instruction.debug and instruction.debug != position:
                position = instruction.debug
                self.emit([Pseudo.LINE, position])
            try:
                self._instruction(instruction)
            except UnsupportedError as error:
                if error.place:
                    raise
                raise UnsupportedError(
                    error.reason,
                    f"{self.source.name} {instruction.debug or self.source.debug}".strip(),
                ) from None

    def _instruction(self, instruction: Instruction) -> None:
        op, name = instruction.op, instruction.name
        if name in self.lazy or name in self.objects:
            return
        ending = self._ENDINGS.get(op)
        if ending is not None:
            self.block.before_end = len(self.block.code)
            ending(self, instruction)
            return
        if op == "phi":
            if name not in self.values:
                self.define(name, instruction.type)
            if name in self.need_clean:
                self.clean.add(name)
            return
        if op == "store":
            self._store(instruction)
            return
        parts = self.compute(instruction)
        if not name:
            return
        if self._is_narrow(instruction.type):
            if self._is_clean_result(instruction):
                self.clean.add(name)
            elif name in self.need_clean:
                parts = self.masked(parts, instruction.type.bits)  # type: ignore[attr-defined]
                self.clean.add(name)
        known = self.values.get(name)
        if known is None:
            self.values[name] = parts
        else:  # used before, by a phi of a loop
            for register, part in zip(known, parts, strict=True):
                self.set(register, part)

    def _is_narrow(self, type_: Type) -> bool:
        return isinstance(type_, Integer) and type_.bits % 32 != 0

    def _is_clean_result(self, instruction: Instruction) -> bool:
        op = instruction.op
        if op == "load":
            # What is read as bytes may have more bits than the type.
            return instruction.type.bits % 8 == 0 or instruction.type == Integer(1)  # type: ignore[attr-defined]
        if op == "extractvalue" or op == "extractelement":
            return instruction.type == Integer(1) and op == "extractvalue"
        if op in _CLEAN_RESULTS:
            return True
        if op in ("and", "or", "xor", "select", "freeze"):
            operands = instruction.args[1:] if op == "select" else instruction.args
            cleans = [self.is_clean(operand) for operand in operands]
            return any(cleans) if op == "and" else all(cleans)
        return False

    def compute(self, instruction: Instruction) -> list[Part]:
        op, args, type_ = instruction.op, instruction.args, instruction.type
        if isinstance(type_, Array) and type_.vector and op in _PURE:
            special = self._vector(instruction)
            if special is not None:
                return special
        if op in _FLOAT_OPS:
            return self.float_arithmetic(op, type_, args[0], args[1])
        if op in _CONVERSIONS:
            return self.float_conversion(op, args[0], type_)
        if op == "fneg":
            return self.float_sign(op, args[0])
        if op in ("icmp", "fcmp"):
            if op == "fcmp" and instruction.extra in ("true", "false"):
                return [literal(instruction.extra == "true")]
            if op == "icmp":
                return [self.truth(self.compare(instruction.extra, *args))]
            return [self.truth((self.float_condition(instruction.extra, *args), True))]
        method = self._METHODS.get(op)
        if method is not None:
            return method(self, instruction)
        return self.arithmetic(op, type_, args[0], args[1])

    def _vector(self, instruction: Instruction) -> list[Part] | None:
        """An operation on vectors, element by element; None if it moves whole elements only."""
        op, args = instruction.op, instruction.args
        if op in ("insertelement", "shufflevector", "insertvalue", "extractvalue", "freeze"):
            return None
        if op == "bitcast" or (op == "select" and not isinstance(args[0][1], Array)):
            return None
        result: list[Part] = []
        assert isinstance(instruction.type, Array)
        for place in range(instruction.type.count):
            elements = [self._element(operand, place) for operand in args]
            one = Instruction(op, "", instruction.type.element, elements, instruction.extra)
            if op == "getelementptr" and not isinstance(args[0][1], Array):
                one.args[0] = args[0]
            parts = self.compute(one)
            if self._is_narrow(one.type):
                parts = self.masked(parts, one.type.bits)  # type: ignore[attr-defined]
            result += parts
        return result

    def _element(self, operand: Operand, place: int) -> Operand:
        type_ = operand[1]
        if not isinstance(type_, Array):
            return operand
        words = type_.element.words
        return self.made(type_.element, self.parts(operand)[place * words : (place + 1) * words])

    def made(self, type_: Type, parts: list[Part]) -> Operand:
        """An operand for parts that no instruction of the IR has made; narrow ones are clean."""
        name = f" {len(self.values)}"
        self.values[name] = parts
        self.clean.add(name)
        return ("local", type_, name)

    def _load(self, instruction: Instruction) -> list[Part]:
        parts = self.load(
            instruction.type, self.address_of(instruction.args[0]), instruction.extra[0]
        )
        type_ = instruction.type
        if isinstance(type_, Integer) and type_.bits % 8 and type_.bits != 1:
            parts = self.masked(parts, type_.bits)
        return parts

    def _store(self, instruction: Instruction) -> None:
        value, pointer = instruction.args
        type_ = value[1]
        if isinstance(type_, Integer) and type_.bits % 8:
            parts = self.zero_extended(value)
        else:
            parts = self.parts(value)
        address = self.address_of(pointer)
        self._check_null(address)
        self.store(type_, parts, address, instruction.extra[0])

    def _element_pointer(self, instruction: Instruction) -> list[Part]:
        return [self.pointer(self.element_address(instruction))]

    def _select(self, instruction: Instruction) -> list[Part]:
        condition, yes, no = instruction.args
        if isinstance(condition[1], Array):
            raise UnsupportedError("a choice by a vector is not supported")
        clean = self._is_narrow(instruction.type) and instruction.name in self.need_clean
        take = self.zero_extended if clean else self.parts
        first, second = self.short(take(yes)), self.short(take(no))
        return self.choose(self.test(condition), first, second)

    def _call(self, instruction: Instruction) -> list[Part]:
        target = instruction.extra.target
        if not instruction.extra.is_assembly and target[0] == "global":
            name = str(target[2])
            if name.startswith("llvm."):
                return self.intrinsic(name[5:], instruction)
        parts = self.call(instruction)
        if isinstance(instruction.type, Struct | Array):
            # Narrow elements come with undefined bits above them.
            cleaned: list[Part] = []
            for element in self.element_types(instruction.type):
                value = parts[len(cleaned) : len(cleaned) + element.words]
                cleaned += (
                    self.masked(value, element.bits) if isinstance(element, Integer) else value
                )
            return cleaned
        return parts

    def _extract_value(self, instruction: Instruction) -> list[Part]:
        aggregate = instruction.args[0]
        begin, type_ = 0, aggregate[1]
        for index in instruction.extra:
            begin += first_word(type_, index)
            type_ = self.element_types(type_)[index]
        return self.parts(aggregate)[begin : begin + type_.words]

    def _insert_value(self, instruction: Instruction) -> list[Part]:
        aggregate, value = instruction.args
        begin, type_ = 0, aggregate[1]
        for index in instruction.extra:
            begin += first_word(type_, index)
            type_ = self.element_types(type_)[index]
        parts = list(self.parts(aggregate))
        parts[begin : begin + type_.words] = self.zero_extended(value)
        return parts

    def _extract_element(self, instruction: Instruction) -> list[Part]:
        vector, index = instruction.args
        words = instruction.type.words
        parts = self.parts(vector)
        if index[0] in ("int", "zero"):
            place = index[2] if index[0] == "int" else 0
            return parts[place * words : (place + 1) * words]
        number = self._spread(parts)
        at = self._place_in(number, index, words)
        return [self.load_word(Address(at, 4 * n)) for n in range(words)]

    def _insert_element(self, instruction: Instruction) -> list[Part]:
        vector, value, index = instruction.args
        words = value[1].words
        parts = list(self.parts(vector))
        new = self.zero_extended(value)
        if index[0] in ("int", "zero"):
            place = index[2] if index[0] == "int" else 0
            parts[place * words : (place + 1) * words] = new
            return parts
        number = self._spread(parts)
        at = self._place_in(number, index, words)
        for place, part in enumerate(new):
            self.store_word(Address(at, 4 * place), part)
        return [self.load_word(Address(number, 4 * n, is_frame=True)) for n in range(len(parts))]

    def _spread(self, parts: list[Part]) -> int:
        """Parts in memory, word by word, for access by a variable index."""
        number = self.frame_object(4 * len(parts), 4)
        for place, part in enumerate(parts):
            self.emit([Pseudo.FSTORE, number, 4 * place, self.reg(part)])
        return number

    def _place_in(self, number: int, index: Operand, words: int) -> int:
        at = self.new()
        self.emit([Pseudo.FRAME, at, number, 0])
        offset = self.times(self.zero_extended(index)[0], literal(4 * words))
        self.op(ADD_R, at, offset)
        return at

    def _shuffle(self, instruction: Instruction) -> list[Part]:
        first, second, mask = instruction.args
        words = instruction.type.element.words  # type: ignore[attr-defined]
        both = [*self.parts(first), *self.parts(second)]
        result: list[Part] = []
        for part in self.parts(mask):
            begin = (~part if part < 0 else 0) * words
            result += both[begin : begin + words] or [literal(0)] * words
        return result

    def _cast(self, instruction: Instruction) -> list[Part]:
        operand, type_, op = instruction.args[0], instruction.type, instruction.op
        if op in ("zext", "sext"):
            return self.extended(operand, type_, op == "sext")
        if op == "trunc":
            return self.truncated(operand, type_)
        if op == "bitcast":
            return self._bitcast(operand, type_)
        parts = self.zero_extended(operand)[: type_.words]
        return [*parts, *[literal(0)] * (type_.words - len(parts))]

    def _bitcast(self, operand: Operand, type_: Type) -> list[Part]:
        source = operand[1]
        if not isinstance(source, Array) and not isinstance(type_, Array):
            return self.parts(operand)
        number = self.frame_object(max(source.size, 4), 8)
        at = Address(number, is_frame=True, aligned=True)
        self.store(source, self.parts(operand), at, 8)
        return self.load(type_, at, 8)

    def _alloca(self, instruction: Instruction) -> list[Part]:
        type_, align = instruction.extra
        self.out.moves_stack = True
        if instruction.args:
            count = self.zero_extended(instruction.args[0])[0]
            size = self.times(count, literal(type_.size))
        else:
            size = literal(type_.size)
        size = self.logic(AND_R, self.binary(ADD_R, size, literal(max(align, 8) + 6)), literal(-8))
        result = self.new()
        self.emit([Pseudo.ALLOCA, result, self.reg(size)])
        if align > 8:
            result = self.reg(
                self.logic(AND_R, self.binary(ADD_R, result, literal(align - 1)), literal(-align))
            )
        if self.check:
            self._check_stack()
        return [result]

    def _freeze(self, instruction: Instruction) -> list[Part]:
        return self.parts(instruction.args[0])

    def _atomic(self, instruction: Instruction) -> list[Part]:
        """There is one thread, and interrupts are the program's own affair."""
        pointer, value = instruction.args
        operation, align = instruction.extra
        type_ = value[1]
        align = align or type_.align
        address = self._fixed(self.address_of(pointer))
        old = [self.copy(part) for part in self.load(type_, address, align)]
        names = {"add": "add", "sub": "sub", "and": "and", "or": "or", "xor": "xor"}
        before = self.made(type_, list(old))
        if operation == "xchg":
            new = self.parts(value)
        elif operation in names:
            new = self.arithmetic(names[operation], type_, before, value)
        elif operation == "nand":
            both = self.parts_and(before, value)
            new = [self.logic(XOR_R, part, literal(WORD)) for part in both]
        elif operation in ("max", "min", "umax", "umin"):
            predicate = {"max": "sgt", "min": "slt", "umax": "ugt", "umin": "ult"}[operation]
            test = self.compare(predicate, before, value)
            new = self.choose(test, list(old), self.short(self.parts(value)))
        else:
            raise UnsupportedError(f"atomic {operation} is not supported")
        self.store(type_, new, address, align)
        return list(old)

    def parts_and(self, left: Operand, right: Operand) -> list[Part]:
        pairs = zip(self.parts(left), self.parts(right), strict=True)
        return [self.logic(AND_R, a, b) for a, b in pairs]

    def _compare_exchange(self, instruction: Instruction) -> list[Part]:
        pointer, expected, new = instruction.args
        type_ = expected[1]
        align = instruction.extra or type_.align
        address = self._fixed(self.address_of(pointer))
        old = [self.copy(part) for part in self.load(type_, address, align)]
        before = self.made(type_, list(old))
        wanted = self.short(self.parts(new))
        test = self.compare("eq", before, expected)
        same = self.truth(test)
        self.emit([CMP_I, self.reg(same), 0])
        stored = self.choose((EQUAL, False), wanted, list(old))
        self.store(type_, stored, address, align)
        return [*old, same]

    def _va_arg(self, instruction: Instruction) -> list[Part]:
        at = self.address_of(instruction.args[0])
        place: Part = self.load_word(at)
        if instruction.type.align >= 8:
            place = self.logic(AND_R, self.binary(ADD_R, place, literal(7)), literal(-8))
        after = self.binary(ADD_R, place, literal(4 * instruction.type.words))
        self.store_word(at, after)
        return self.load(instruction.type, Address(self.reg(place)), 4)

    def _nothing(self, instruction: Instruction) -> list[Part]:
        return []

    _METHODS: Final = {
        "load": _load,
        "getelementptr": _element_pointer,
        "select": _select,
        "call": _call,
        "extractvalue": _extract_value,
        "insertvalue": _insert_value,
        "extractelement": _extract_element,
        "insertelement": _insert_element,
        "shufflevector": _shuffle,
        **dict.fromkeys(
            "zext sext trunc bitcast ptrtoint inttoptr ptrtoaddr addrspacecast".split(), _cast
        ),
        "alloca": _alloca,
        "freeze": _freeze,
        "atomicrmw": _atomic,
        "cmpxchg": _compare_exchange,
        "va_arg": _va_arg,
        "fence": _nothing,
    }

    # Ends of blocks.

    def _jump(self, instruction: Instruction) -> None:
        self.block.end = Jump(instruction.extra[0])

    def _branch(self, instruction: Instruction) -> None:
        then, otherwise = instruction.extra
        self.branch_on(instruction.args[0], then, otherwise)

    def branch_on(self, condition: Operand, then: str, otherwise: str) -> None:
        """End the block: go to one label if a condition holds, else to the other."""
        if condition[0] in ("int", "zero"):
            self.block.end = Jump(then if condition[0] == "int" and condition[2] else otherwise)
            return
        if condition[0] == "local" and condition[2] in self.lazy:
            instruction = self.definitions[condition[2]]
            if instruction.op == "xor":
                self.branch_on(instruction.args[0], otherwise, then)
                return
            if instruction.op in ("and", "or", "select"):
                kind = instruction.op
                first, second = instruction.args[0], instruction.args[1]
                if kind == "select":
                    kind = _logical(instruction)
                    second = instruction.args[1 if kind == "and" else 2]
                middle = self.new_block("and")
                if kind == "and":
                    self.branch_on(first, middle.label, otherwise)
                else:
                    self.branch_on(first, then, middle.label)
                self.use(middle)
                self.branch_on(second, then, otherwise)
                return
        test, holds = self.test(condition)
        if not holds:
            then, otherwise = otherwise, then
        self.block.end = Branch(test, then, otherwise)

    def _switch(self, instruction: Instruction) -> None:
        value = instruction.args[0]
        default, cases = instruction.extra
        cases = [case for case in cases if case[1] != default]
        parts = self.zero_extended(value)
        if not cases:
            self.block.end = Jump(default)
            return
        if parts[0] < 0 and len(parts) == 1:
            number = ~parts[0]
            self.block.end = Jump(next((label for key, label in cases if key == number), default))
            return
        self._decide(parts, sorted(cases), default)

    def _decide(self, parts: list[Part], cases: list[tuple[int, str]], default: str) -> None:
        """A table if the cases are dense, else a comparison that halves them."""
        low, high = cases[0][0], cases[-1][0]
        count = high - low + 1
        if len(cases) >= _SMALLEST_TABLE and count <= min(3 * len(cases), _LARGEST_TABLE):
            if len(parts) > 1:
                first = self.subtract(parts, [literal(low >> 32 * n) for n in range(len(parts))])
                for part in first[1:]:
                    self.emit([CMP_I, self.reg(part), 0])
                    following = self.new_block("table")
                    self.block.end = Branch(EQUAL, following.label, default)
                    self.use(following)
                index = self.reg(first[0])
            else:
                index = self.reg(self.binary(SUB_R, parts[0], literal(low)) if low else parts[0])
            self._compare_literal(index, count)
            following = self.new_block("table")
            self.block.end = Branch(BELOW, following.label, default)
            self.use(following)
            targets = [default] * count
            for key, label in cases:
                targets[key - low] = label
            following.end = TableJump(index, targets)
            return
        if len(cases) <= 3:
            for place, (key, label) in enumerate(cases):
                last = place == len(cases) - 1
                following_label = default if last else self.new_block("case").label
                key_parts = [literal(key >> 32 * n) for n in range(len(parts))]
                self.block.end = Branch(
                    self.compare_words("eq", parts, key_parts)[0], label, following_label
                )
                if not last:
                    self.use(self.out.blocks[-1])
            return
        middle = len(cases) // 2
        key_parts = [literal(cases[middle][0] >> 32 * n) for n in range(len(parts))]
        lower, upper = self.new_block("less"), self.new_block("more")
        test, holds = self.compare_words("ult", parts, key_parts)
        first_label, second_label = (lower, upper) if holds else (upper, lower)
        self.block.end = Branch(test, first_label.label, second_label.label)
        self.use(lower)
        self._decide(parts, cases[:middle], default)
        self.use(upper)
        self._decide(parts, cases[middle:], default)

    def _compare_literal(self, register: int, value: int) -> None:
        self._flags(register, literal(value))

    def _indirect(self, instruction: Instruction) -> None:
        register = self.reg(self.part(instruction.args[0]))
        self.block.end = IndirectJump(register, list(instruction.extra))

    def _return(self, instruction: Instruction) -> None:
        result = instruction.args[0] if instruction.args else None
        self.block.end = Return(self.give_back(result))

    def _unreachable(self, instruction: Instruction) -> None:
        self.emit([ITR_I, TRAP])
        self.block.end = Stop()

    _ENDINGS: Final = {
        "jump": _jump,
        "br": _branch,
        "switch": _switch,
        "indirectbr": _indirect,
        "ret": _return,
        "unreachable": _unreachable,
    }

    # Phis.

    def _connect(self) -> None:
        """Copies of phis at the ends of the blocks that lead to them."""
        phis = {
            block.label: found
            for block in self.reachable
            if (found := [one for one in block.instructions if one.op == "phi"])
        }
        for block in list(self.out.blocks):
            targets = targets_of(block.end)
            if not any(target in phis for target in targets):
                continue
            if isinstance(block.end, Jump):
                self.use(block)
                if block.before_end == 0 or block.before_end > len(block.code):
                    block.before_end = len(block.code)
                self._copies(block.origin, phis[targets[0]])
                continue
            if isinstance(block.end, IndirectJump):
                self._indirect_copies(block, phis)
                continue
            for target in dict.fromkeys(targets):
                if target in phis:
                    self._split(block, target, phis[target])

    def _indirect_copies(self, block: MachineBlock, phis: dict[str, list[Instruction]]) -> None:
        """The targets of a computed goto cannot be told apart before it: all copies are made."""
        self.use(block)
        assert isinstance(block.end, IndirectJump)
        keep = self.copy(block.end.register)
        block.end.register = keep
        pairs: dict[int, Part] = {}
        for target in dict.fromkeys(block.end.targets):
            for phi in phis.get(target, ()):
                value = phi.args[phi.extra.index(block.origin)]
                for register, part in zip(
                    self.values[phi.name], self._incoming(phi, value), strict=True
                ):
                    pairs[register] = part
        self._parallel(pairs)

    def _split(self, block: MachineBlock, target: str, phis: list[Instruction]) -> None:
        """A block of its own for the copies on an edge."""
        label = self.edges.get((block.origin, target))
        if label is None:
            old_depth = min(block.depth, self.flow.depth[target])
            edge = MachineBlock(f"{block.origin}>{target}", block.origin, old_depth)
            self.edges[block.origin, target] = label = edge.label
            place = self.out.blocks.index(block) + 1
            if (block.origin, target) in self.flow.back_edges:
                self.out.blocks.insert(place, edge)
            else:
                edge.late = True
                self.out.blocks.append(edge)
            self.use(edge)
            self._copies(block.origin, phis)
            edge.before_end = 0
            edge.end = Jump(target)
        end = block.end
        if isinstance(end, Branch):
            end.then = label if end.then == target else end.then
            end.otherwise = label if end.otherwise == target else end.otherwise
        elif isinstance(end, TableJump):
            end.targets = [label if one == target else one for one in end.targets]

    def _copies(self, origin: str, phis: list[Instruction]) -> None:
        pairs: dict[int, Part] = {}
        for phi in phis:
            value = phi.args[phi.extra.index(origin)]
            parts = self._incoming(phi, value)
            for register, part in zip(self.values[phi.name], parts, strict=True):
                pairs[register] = part
        self._parallel(pairs)

    def _incoming(self, phi: Instruction, value: Operand) -> list[Part]:
        if phi.name in self.need_clean and self._is_narrow(phi.type):
            return self.zero_extended(value)
        return self.parts(value)

    def _parallel(self, pairs: dict[int, Part]) -> None:
        """Copies that all read before any is written."""
        pending = {register: part for register, part in pairs.items() if register != part}
        sources: dict[int, int] = {}
        for part in pending.values():
            if part >= 0:
                sources[part] = sources.get(part, 0) + 1
        ready = [register for register in pending if register not in sources]
        while pending:
            if ready:
                register = ready.pop()
                part = pending.pop(register)
                self.set(register, part)
                if part >= 0:
                    sources[part] -= 1
                    if not sources[part] and part in pending:
                        ready.append(part)
                continue
            # Only circles are left: one register's old value is kept elsewhere.
            register = next(iter(pending))
            kept = self.copy(register)
            for other, part in pending.items():
                if part == register:
                    pending[other] = kept
                    sources[kept] = sources.get(kept, 0) + 1
            sources[register] = 0
            ready.append(register)


def _logical(instruction: Instruction) -> str:
    """Whether a select of an i1 is an `and` or an `or` whose second side is not evaluated."""
    _, yes, no = instruction.args
    if no[0] in ("int", "zero") and (no[0] == "zero" or no[2] == 0):
        return "and"
    if yes[0] == "int" and yes[2] == 1:
        return "or"
    return ""


__all__ = ["BOR_R", "CPY_R", "INVERSE", "MUL_R", "select_function"]
