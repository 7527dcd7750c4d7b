"""Last improvements, when the registers are known: flags that are there already, jumps to jumps."""

from __future__ import annotations

from .machine_code import (
    Branch,
    IndirectJump,
    Jump,
    MachineBlock,
    MachineFunction,
    TableJump,
    targets_of,
)
from .target import (
    CMP_I,
    CPY_R,
    IF2_I,
    IF_I,
    IFN_I,
    MARKS,
    SETS_FLAGS,
    SF,
    WRITES,
    ZF,
    Instr,
    Pseudo,
)

_SKIPS = (IF_I, IFN_I, IF2_I)
_CHANGE_FLAGS = (
    Pseudo.CALL, Pseudo.CALLR, Pseudo.ASM, Pseudo.ALLOCA, Pseudo.CONST, Pseudo.ADDR, Pseudo.FRAME
)  # fmt: skip


_FRAME_ACCESSES = (Pseudo.FLOAD, Pseudo.FSTORE, Pseudo.INCOMING)


def improve(function: MachineFunction) -> None:
    """Shorten a function whose registers are allocated."""
    # In a large frame the addresses of variables take arithmetic.
    size = function.outgoing + sum(one.size + one.align for one in function.objects)
    changing = _CHANGE_FLAGS if size <= 0xFF00 else (*_CHANGE_FLAGS, *_FRAME_ACCESSES)
    for block in function.blocks:
        _keep_flags(block, changing)
    _thread(function)


def _keep_flags(block: MachineBlock, changing: tuple[Pseudo, ...]) -> None:
    """Leave comparisons with 0 out where the flags tell the same already."""
    setter = -1  # the register whose value the flags describe
    code = block.code
    kept: list[Instr] = []
    behind_skip = False
    for place, instr in enumerate(code):
        form = instr[0]
        if (
            form == CMP_I
            and instr[2] == 0
            and instr[1] == setter
            and not behind_skip
            and _only_zero_and_sign(code, place + 1, block)
        ):
            continue
        skipped = behind_skip
        behind_skip = form in _SKIPS
        kept.append(instr)
        if behind_skip or form in MARKS:
            continue
        if form >= 256:
            if form in changing or any(instr[item] == setter for item in WRITES[form]):
                setter = -1
            continue
        if form in SETS_FLAGS:
            writes = WRITES[form]
            setter = instr[writes[0]] if writes and not skipped else -1
        elif any(instr[item] == setter for item in WRITES[form]) or form >> 3 == 0x15:
            setter = -1
    block.code = kept


def _only_zero_and_sign(code: list[Instr], place: int, block: MachineBlock) -> bool:
    """Whether nothing asks for the flags of a comparison with 0 but ZF and SF."""
    for instr in code[place:]:
        form = instr[0]
        if form in (IF_I, IFN_I) and instr[1] not in (ZF, SF):
            return False
        if form == IF2_I and not {instr[1], instr[2]} <= {ZF, SF}:
            return False
        if form in SETS_FLAGS or form in (Pseudo.CALL, Pseudo.CALLR, Pseudo.ASM):
            return True
    if isinstance(block.end, Branch):
        condition = block.end.condition
        return (
            set(condition[1:3]) <= {ZF, SF} if condition[0] == IF2_I else condition[1] in (ZF, SF)
        )
    return True


def _thread(function: MachineFunction) -> None:
    """Jumps to blocks that only jump go to where those lead; blocks without a way in go."""
    onward = {
        block.label: block.end.target
        for block in function.blocks
        if isinstance(block.end, Jump) and not any(instr[0] not in MARKS for instr in block.code)
    }

    def last(label: str) -> str:
        seen = set()
        while label in onward and label not in seen:
            seen.add(label)
            label = onward[label]
        return label

    for block in function.blocks:
        end = block.end
        if isinstance(end, Jump):
            end.target = last(end.target)
        elif isinstance(end, Branch):
            end.then, end.otherwise = last(end.then), last(end.otherwise)
            if end.then == end.otherwise:
                block.end = Jump(end.then)
        elif isinstance(end, TableJump):
            end.targets = [last(target) for target in end.targets]
    by_label = {block.label: block for block in function.blocks}
    reached = {function.blocks[0].label}
    work = [function.blocks[0].label]
    while work:
        for target in targets_of(by_label[work.pop()].end):
            if target not in reached:
                reached.add(target)
                work.append(target)
    for block in function.blocks:
        if isinstance(block.end, IndirectJump):
            reached.update(block.end.targets)
    blocks = [block for block in function.blocks if block.label in reached]
    function.blocks = [one for one in blocks if not one.late] + [one for one in blocks if one.late]


__all__ = ["CPY_R", "improve"]
