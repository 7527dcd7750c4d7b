"""What later versions added (docs/spec/customasm.md, section 12), which is off by default."""

from __future__ import annotations

import pytest

from lrvm_tools.customasm.assembler import Options, assemble
from lrvm_tools.customasm.files import Files
from lrvm_tools.customasm.language import Language
from lrvm_tools.lasm import AssemblyError, assemble_program

CASES = {
    "struct": ("#d8 struct { a = 1, b = 2 }.b", "02"),
    "struct over lines": ("x = struct {\n a = 1\n b = 2\n}\n#d8 x.a, x.b", "0102"),
    "struct in a struct": ("x = struct { a = struct { b = 7 } }\n#d8 x.a.b", "07"),
    "struct in a variable": ("#d8 { s = struct { a = 3 }, s.a }", "03"),
    "struct from a function": ("#fn f(v) => struct { a = v }\n#d8 f(4).a", "04"),
    "size": ("x = 0x123\n#d8 x.size", "0c"),
    "symbols come first": ("x: .a = 5\n#d8 x.a", "05"),
    "bank of a label": (
        "#bankdef b { addr = 0x80, bits = 8, size = 4, outp = 8 }\nx:\n"
        "#d8 bankof(x).addr, bankof(x).size, bankof(x).size_b, bankof(x).outp, bankof($).bits",
        None,
    ),
    "bank with data": (
        "#bankdef b { outp = 0, data = struct { id = 9 } }\nx: #d8 bankof(x).data.id",
        "09",
    ),
    "colon in a pattern": ("#ruledef { ld {x}:{y} => x`4 @ y`4\n}\nld 1:2", "12"),
    "digits in a word": ("#ruledef { r{a}to{b} => a`4 @ b`4\n}\nr1to2", "12"),
}


@pytest.mark.parametrize(("source", "expected"), CASES.values(), ids=CASES)
def test_later(source: str, expected: str | None) -> None:
    options = Options(language=Language(later=True))
    if expected is None:
        with pytest.raises(AssemblyError, match="output out of range"):
            assemble([("main.asm", source)], Files(), options)
        source = source.replace("size = 4", "size = 5").replace(", bankof(x).outp", "")
        assert assemble([("main.asm", source)], Files(), options).data.hex() == "0080052808"
        return
    assert assemble([("main.asm", source)], Files(), options).data.hex() == expected


@pytest.mark.parametrize(
    "name", [name for name in CASES if name not in ("symbols come first", "digits in a word")]
)
def test_off_by_default(name: str) -> None:
    with pytest.raises(AssemblyError):
        assemble_program(CASES[name][0], instruction_set="rules")


def test_unknown_member() -> None:
    options = Options(language=Language(later=True))
    with pytest.raises(AssemblyError, match="unknown member `b`"):
        assemble([("main.asm", "#d8 struct { a = 1 }.b")], Files(), options)
