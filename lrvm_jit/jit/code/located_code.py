"""Native code as text that names the guest instruction to which each part belongs.

For that the region is generated with LLVM's debug locations, whose line is the guest instruction's
number. They do not change the code; if they ever did, the text is that of the code without them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...isa.codec import format_word
from ..analysis.instructions import GuestInstruction
from ..analysis.region import SYMBOL, Block, BlockKey, Region
from ..emit.builder import Builder
from ..emit.function import Generated, RegionFunction, generate
from .compiler import assembly, choose_pipeline, optimized_module


def located_code(region: Region, optimize: bool) -> tuple[str, str]:
    """The optimised IR and the machine code of a region, with comments."""
    plain = generate(region)
    pipeline = choose_pipeline(optimize, plain.has_loops)
    located = generate_located(region)
    comments = {pc >> 2: f"0x{pc:08X}  {format_word(word)}" for pc, word in region.words.items()}
    code = assembly(plain.text, pipeline)
    commented = _comment_assembly(assembly(located.text, pipeline), comments)
    if _without_comments(commented) != _without_comments(code):
        return str(optimized_module(plain.text, pipeline)), code
    return _comment_ir(str(optimized_module(located.text, pipeline)), comments), commented


def generate_located(region: Region) -> Generated:
    """Like `generate`, with a debug location at each IR instruction that a guest instruction
    needs. Its line is the instruction's address in words plus 1, as line 0 means none."""
    function = _LocatedFunction(region)
    return Generated(function.text(), function.has_loops)


_FIRST_LOCATION = 1000
"""Metadata numbers from here on are free."""
_SCOPE = 900
_DEBUG_METADATA = f"""\
!llvm.module.flags = !{{!{_SCOPE + 1}}}
!llvm.dbg.cu = !{{!{_SCOPE + 2}}}
!{_SCOPE} = distinct !DISubprogram(name: "{SYMBOL}", file: !{_SCOPE + 3}, type: !{_SCOPE + 4}, \
unit: !{_SCOPE + 2}, spFlags: DISPFlagDefinition)
!{_SCOPE + 1} = !{{i32 2, !"Debug Info Version", i32 3}}
!{_SCOPE + 2} = distinct !DICompileUnit(language: DW_LANG_C, file: !{_SCOPE + 3}, \
emissionKind: DebugDirectivesOnly)
!{_SCOPE + 3} = !DIFile(filename: "guest", directory: "")
!{_SCOPE + 4} = !DISubroutineType(types: !{_SCOPE + 5})
!{_SCOPE + 5} = !{{null}}
"""


class _LocatedFunction(RegionFunction):
    """Generates a region's function with debug locations."""

    def __init__(self, region: Region) -> None:
        super().__init__(region)
        self._locations: dict[int, int] = {}
        self._beginnings: list[tuple[int, int]] = []
        """Where code of guest instructions begins: line of the function, guest address."""

    def text(self) -> str:
        define = re.compile(rf"^(define .* @{SYMBOL}\(.*) {{$", re.MULTILINE)
        text = define.sub(rf"\1 !dbg !{_SCOPE} {{", super().text())
        locations = (
            f"!{number} = !DILocation(line: {(pc >> 2) + 1}, scope: !{_SCOPE})\n"
            for pc, number in self._locations.items()
        )
        return text + _DEBUG_METADATA + "".join(locations)

    def _block(self, key: BlockKey, block: Block) -> None:
        self._beginnings = [(len(self.lines), block.pc)]
        super()._block(key, block)
        last = block.last
        if last is not None and not last.translatable:
            self._beginnings.append((len(self.lines) - 1, last.pc))
        ends = [first for first, _ in self._beginnings[1:]] + [len(self.lines)]
        for (first, pc), end in zip(self._beginnings, ends, strict=True):
            self.lines[first:end] = [self._locate(line, pc) for line in self.lines[first:end]]

    def _instruction(self, build: Builder, instruction: GuestInstruction) -> None:
        self._beginnings.append((len(self.lines), instruction.pc))
        super()._instruction(build, instruction)

    def _leave(self) -> list[str]:
        exits = {f"{way.label}:": way.pc for way in self.frame.exits}
        pc: int | None = None
        lines = []
        for line in super()._leave():
            if not line.startswith(" "):
                pc = exits.get(line)
            lines.append(line if pc is None else self._locate(line, pc))
        return lines

    def _locate(self, line: str, pc: int) -> str:
        if not line.startswith(" "):
            return line
        number = self._locations.setdefault(pc, _FIRST_LOCATION + len(self._locations))
        return f"{line}, !dbg !{number}"


_NO_INSTRUCTION = "no instruction, or several"
"""The comment of code that cannot be told to belong to one."""

_LOCATION = re.compile(r"^!(\d+) = !DILocation\(line: (\d+)", re.MULTILINE)
_DEFINED = re.compile(r"^!(\d+) = ")
_NOT_PRINTED = ("!llvm.dbg.cu = ", "!llvm.module.flags = ")


def _comment_ir(text: str, comments: Mapping[int, str]) -> str:
    """IR with comments in the place of its debug locations."""
    lines_of = {number: int(line) for number, line in _LOCATION.findall(text)}
    result: list[str] = []
    shown: str | None = None
    for line in text.splitlines():
        code, _, rest = line.partition(", !dbg !")
        number, _, more = rest.partition(",")
        if line.startswith("define"):
            code = re.sub(r" !dbg !\d+ {$", " {", line)
        elif more:
            code += f",{more}"
        if not line.startswith("  "):
            shown = None
        elif " = phi " not in line:
            comment = comments.get(lines_of.get(number, 0) - 1)
            if comment is None and shown is not None:
                comment = _NO_INSTRUCTION
            if comment != shown:
                result.append(f"  ; {comment}")
                shown = comment
        result.append(code)
    return "\n".join(_without_unused_metadata(result)) + "\n"


def _without_unused_metadata(lines: list[str]) -> list[str]:
    """The lines without the metadata that only debug locations needed."""
    definitions = {found[1]: line for line in lines if (found := _DEFINED.match(line))}
    body = [line for line in lines if not _DEFINED.match(line)]
    body = [line for line in body if not line.startswith(_NOT_PRINTED)]
    used: set[str] = set()
    wanted = re.findall(r"!(\d+)", "\n".join(body))
    while wanted:
        number = wanted.pop()
        if number not in used:
            used.add(number)
            wanted += re.findall(r"!(\d+)", definitions[number])
    kept = [line for number, line in definitions.items() if number in used]
    while body and not body[-1]:
        body.pop()
    return [*body, "", *kept] if kept else body


_DEBUG_DIRECTIVE = re.compile(r"\s+\.(file|loc|cfi_\w+)\b|\.?L(tmp|func_begin)\d+:$")
_PLACE = re.compile(r"\s+\.loc\s+\d+\s+(\d+)")


def _comment_assembly(text: str, comments: Mapping[int, str]) -> str:
    """Assembly text with comments in the place of its debug locations."""
    result: list[str] = []
    wanted: str | None = None
    shown: str | None = None
    for line in text.splitlines():
        if place := _PLACE.match(line):
            wanted = comments.get(int(place[1]) - 1, _NO_INSTRUCTION)
        elif not _DEBUG_DIRECTIVE.match(line):
            if not line.startswith(("\t", ".L", "L")):
                wanted = shown = None
            elif line.startswith("\t") and not line.startswith("\t.") and wanted != shown:
                result.append(f"\t# {wanted}")
                shown = wanted
            result.append(line)
    return "\n".join(result) + "\n"


def _without_comments(text: str) -> list[str]:
    return [
        line
        for line in text.splitlines()
        if not line.startswith("\t# ") and not _DEBUG_DIRECTIVE.match(line)
    ]
