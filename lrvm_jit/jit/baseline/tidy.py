"""Tidying of stencils as assembly text, before they are assembled.

LLVM does not know that a stencil's code goes on behind its end, and ends it with jumps. Most of
them are taken away here, or become part of a conditional jump.
"""

from __future__ import annotations

import itertools
import re

_FUNCTION = re.compile(r"^([A-Za-z_]\w*):(?:\s+# @\w+)?$")
_LABEL = re.compile(r"^(\.L\w+):")
_JUMP = re.compile(r"^\tj(\w+)\t(\S+)$")
_INVERSE = {"e": "ne", "b": "ae", "s": "ns", "l": "ge", "o": "no", "a": "be", "g": "le", "p": "np"}
_INVERSE |= {inverse: name for name, inverse in _INVERSE.items()}


def tidy(assembly: str) -> dict[str, list[str]]:
    """The instructions and labels of each function in the compiler's assembly text.

    Falling off the end is going on to the next stencil, in the place of `jmp next`.
    """
    functions: dict[str, list[str]] = {}
    lines: list[str] = []
    for raw in assembly.splitlines():
        head = _FUNCTION.match(raw)
        if head:
            lines = functions[head[1]] = []
            continue
        line = raw.split("#")[0].rstrip()
        label = _LABEL.match(line)
        if label and label[1].startswith((".Lfunc_end", ".Lfunc_begin")):
            continue
        if label or (line.startswith("\t") and not line.startswith("\t.")):
            lines.append(line.replace("@PLT", ""))
    return {name: _tidied(name, lines) for name, lines in functions.items()}


_BELOW = re.compile(r"^\tmovl\t\$(?:-4|4294967292), %e(\w\w)$")


def _shortened(lines: list[str]) -> list[str]:
    """Four below the stack pointer as one instruction: of the sum only the lower half counts."""
    kept: list[str] = []
    for line in lines:
        below = _BELOW.match(kept[-1]) if kept else None
        if below and line == f"\taddq\t%r8, %r{below[1]}":
            kept[-1] = f"\tleal\t-4(%r8), %e{below[1]}"
        else:
            kept.append(line)
    return kept


def _tidied(name: str, lines: list[str]) -> list[str]:
    end = f".Lnext_{name}"
    lines = _shortened(lines)
    lines = [_moved(line, {"next": end}) for line in lines] + [f"{end}:"]
    while True:
        after = _fallen_through(_inverted(_unreached(_threaded(lines))))
        if after == lines:
            return lines
        lines = after


def _target(line: str) -> str | None:
    jump = _JUMP.match(line)
    return jump[2] if jump else None


def _moved(line: str, to: dict[str, str]) -> str:
    target = _target(line)
    return line.replace(target, to[target]) if target in to else line


def _threaded(lines: list[str]) -> list[str]:
    """Jumps to a jump lead to where that leads."""
    to = {}
    for label, line in itertools.pairwise(lines):
        if _LABEL.match(label) and line.startswith("\tjmp\t") and "*" not in line:
            to[label.rstrip(":")] = line.split("\t")[2]
    return [_moved(line, to) for line in lines]


def _unreached(lines: list[str]) -> list[str]:
    """Without labels that nothing jumps to, and code that nothing reaches."""
    used = {_target(line) for line in lines}
    kept: list[str] = []
    reached = True
    for line in lines:
        label = _LABEL.match(line)
        if label:
            if label[1] not in used and not label[1].startswith(".Lnext_"):
                continue
            reached = True
        if reached:
            kept.append(line)
        if line.startswith(("\tjmp", "\tret")):
            reached = False
    return kept


def _inverted(lines: list[str]) -> list[str]:
    """`jcc L; jmp X; L:` becomes the opposite condition to X."""
    kept = list(lines)
    for at in range(len(lines) - 2):
        first, second, label = kept[at : at + 3]
        jump = _JUMP.match(first)
        if jump and jump[1] in _INVERSE and label == f"{jump[2]}:":
            other = _target(second)
            if second.startswith("\tjmp\t") and other:
                kept[at : at + 3] = [f"\tj{_INVERSE[jump[1]]}\t{other}", "", label]
    return [line for line in kept if line]


def _fallen_through(lines: list[str]) -> list[str]:
    """Without jumps to what follows."""
    return [
        line
        for line, after in zip(lines, [*lines[1:], ""], strict=True)
        if not (line.startswith("\tjmp\t") and after == f"{_target(line)}:")
    ]
