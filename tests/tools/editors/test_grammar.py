"""The words that editors colour are those of the instruction table, and stand for what they are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pygments import lex
from pygments.lexers import get_lexer_by_name
from pygments.token import Error, Keyword, Name, Token

from lrvm_jit.isa import ALIASES, CONSTANTS, INSTRUCTIONS, Reg
from lrvm_tools.editors import words
from lrvm_tools.editors.__main__ import GRAMMAR, grammar_text, main
from lrvm_tools.editors.pygments_lexer import LasmLexer
from lrvm_tools.editors.textmate import grammar
from lrvm_tools.lasm import AssemblyError, assemble
from tests.tools.editors.textmate_engine import scopes

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "editors" / "vscode"
SOURCES = sorted([*ROOT.glob("examples/**/*.lasm"), *ROOT.glob("lrvm_jit/bench/programs/*.lasm")])

SAMPLE = """\
; a comment with cpy in it
#d32 "H\\n", le(0x10`16), $ff, %101, 1_000
SIZE = 0x1000           ;* a block ;* in a block *; cpy *; cpy a0, a1
start: .again:
    ADD a0, SIZE - 1    ; upper case is fine
    ifeq
    jp .again
    lsa ac0, start.again, HWD_SIZE
    cpy add_up, $
#fn twice(x) => x * 2
#ruledef { ld {r: u4}, {v} => 0x1 @ r @ v`8 }
"""


def scope_of(text: str, sample: str = SAMPLE) -> list[str]:
    return [
        scope.removesuffix(".lasm") for piece, scope in scopes(grammar(), sample) if piece == text
    ]


def test_the_committed_grammar_is_what_the_table_gives() -> None:
    """After a change: python -m lrvm_tools.editors editors/vscode"""
    assert (FOLDER / GRAMMAR).read_text(encoding="utf-8") == grammar_text()


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    assert json.loads((tmp_path / GRAMMAR).read_text(encoding="utf-8")) == grammar()
    assert main([]) == 2
    assert main([str(tmp_path / "missing")]) == 2
    assert "usage" in capsys.readouterr().err


def test_every_word_of_the_table_has_a_kind() -> None:
    names = {row.mnemonic for row in INSTRUCTIONS} | {alias.name for alias in ALIASES}
    assert set(words.MNEMONICS) | set(words.CONTROL) == names
    assert not set(words.MNEMONICS) & set(words.CONTROL)
    assert set(words.REGISTERS) == {str(register) for register in Reg}
    assert set(words.CONSTANT_NAMES) == set(CONSTANTS)


@pytest.mark.parametrize("name", [*words.DIRECTIVES, "d", "d8", "d32"])
def test_the_assembler_knows_every_directive(name: str) -> None:
    """Alone it is no good, but not because nobody knows it."""
    message = ""
    try:
        assemble(f"#{name}\n")
    except AssemblyError as error:
        message = str(error)
    assert "unknown directive" not in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("; a comment with cpy in it", ["comment.line.semicolon"]),
        ("#d32", ["keyword.other.data"]),
        ("\\n", ["constant.character.escape"]),
        ("le", ["support.function.builtin"]),
        ("0x10", ["constant.numeric"]),
        ("$ff", ["constant.numeric"]),
        ("%101", ["constant.numeric"]),
        ("1_000", ["constant.numeric"]),
        ("SIZE", ["variable.other.constant", "variable.other"]),
        ("start", ["entity.name.label"]),
        (".again", ["variable.other", "variable.other"]),
        ("ADD", ["support.function.mnemonic"]),
        ("ifeq", ["keyword.control"]),
        ("jp", ["keyword.control"]),
        ("a0", ["variable.language.register"] * 2),
        ("ac0", ["variable.language.register"]),
        ("start.again", ["variable.other"]),
        ("HWD_SIZE", ["support.constant"]),
        ("add_up", ["variable.other"]),
        ("$", ["variable.language.address"]),
        ("twice", ["entity.name.function"]),
        ("#ruledef", ["keyword.control.directive"]),
        ("u4", ["storage.type"]),
        ("r", ["variable.parameter", "variable.other"]),
    ],
)
def test_scopes(text: str, expected: list[str]) -> None:
    assert scope_of(text) == expected


def test_comments_end_where_the_assembler_ends_them() -> None:
    code = "cpy a0, 1 ;* one ;* two *; still *; add a0, 2\n;* over\nlines cpy *; sub a0, 1\n"
    commented = {t for t, s in scopes(grammar(), code) if s.startswith("comment")}
    assert {" still ", "lines cpy "} <= commented
    assert [s for t, s in scopes(grammar(), code) if t in ("cpy", "add", "sub")] == [
        "support.function.mnemonic.lasm"
    ] * 3


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_examples_have_no_word_that_is_wrong(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    pieces = scopes(grammar(), text)
    assert "".join(piece for piece, _ in pieces) == text
    assert [piece for piece, scope in pieces if scope.startswith("invalid")] == []
    coloured = {piece.lower() for piece, scope in pieces if "mnemonic" in scope}
    assert coloured & set(words.MNEMONICS)
    tokens = list(lex(text, LasmLexer(stripnl=False, ensurenl=False)))
    assert "".join(value for _, value in tokens) == text
    assert [value for kind, value in tokens if kind in Error] == []


def test_pygments_finds_the_lexer_by_its_name() -> None:
    assert isinstance(get_lexer_by_name("lasm"), LasmLexer)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ADD", Name.Function),
        ("ifeq", Keyword),
        ("a0", Name.Variable),
        ("HWD_SIZE", Name.Constant),
        ("start", Name.Label),
        ("le", Name.Builtin),
        ("add_up", Name),
        ("start.again", Name),
        ("%101", Token.Literal.Number.Bin),
        ("twice", Name.Function),
    ],
)
def test_pygments_kinds(text: str, kind: object) -> None:
    assert kind in [found for found, value in lex(SAMPLE, LasmLexer()) if value == text]


def test_grammar_patterns_are_regular_expressions_for_both_engines() -> None:
    """Nothing that Python has and Oniguruma has not, or the other way round."""

    def patterns(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node[key] for key in ("match", "begin", "end") if isinstance(node.get(key), str)]
            return own + [p for value in node.values() for p in patterns(value)]
        return [p for item in node for p in patterns(item)] if isinstance(node, list) else []

    found = patterns(grammar())
    assert len(found) > 20
    for pattern in found:
        re.compile(pattern)
        assert not re.search(r"\(\?P|\\[pPhHkg]", pattern), pattern


def test_the_extension_names_files_that_exist() -> None:
    package = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    contributes = package["contributes"]
    named = [item["path"] for key in ("grammars", "snippets") for item in contributes[key]]
    named += [item["configuration"] for item in contributes["languages"]]
    for path in named:
        json.loads((FOLDER / path).read_text(encoding="utf-8"))
    snippets = json.loads((FOLDER / "snippets" / "lasm.json").read_text(encoding="utf-8"))
    for name, snippet in snippets.items():
        code = "\n".join(snippet["body"])
        plain = re.sub(r"\$\{\d+:([^}]*)\}", r"\1", code)
        first = dict(re.findall(r"\$\{(\d+):([^}]*)\}", code))
        for number, text in {**first, "0": ""}.items():
            plain = plain.replace(f"${number}", text)
        values = "high = 1\nlow = 2\n"
        assert len(assemble(values + plain.replace("; name", ""))) > 0, name
