"""LASM for Pygments: the lexer named `lasm`, found by its entry point once this is installed."""

from __future__ import annotations

import re
from typing import ClassVar

from pygments.lexer import RegexLexer, bygroups
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
)

from .words import (
    CONSTANT_NAMES,
    CONTROL,
    DIRECTIVES,
    FUNCTIONS,
    KEYWORDS,
    MNEMONICS,
    REGISTERS,
)

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_PATH = rf"(?:\.+{_NAME}|{_NAME})(?:\.{_NAME})*"


def _word(names: tuple[str, ...]) -> str:
    """One of these words, whatever its case, that is no part of a longer or dotted name."""
    return rf"(?i:(?<![\w.])(?:{'|'.join(names)})(?!\w))"


class LasmLexer(RegexLexer):  # type: ignore[misc]  # without annotations
    """Colours LASM, and plain CustomASM as far as it has the same words."""

    name = "LASM"
    aliases: ClassVar[list[str]] = ["lasm", "customasm"]
    filenames: ClassVar[list[str]] = ["*.lasm"]
    url = ""
    version_added = ""
    flags = re.MULTILINE

    tokens = {  # noqa: RUF012  (as RegexLexer declares it)
        "root": [
            (r"^([ \t]*)(" + _PATH + r")(:)", bygroups(Whitespace, Name.Label, Punctuation)),
            (
                r"^([ \t]*)(" + _PATH + r")([ \t]*)(=)(?![=>])",
                bygroups(Whitespace, Name.Constant, Whitespace, Operator),
            ),
            (r"\s+", Whitespace),
            (r";\*", Comment.Multiline, "comment"),
            (r";.*", Comment.Single),
            (r'"', String, "string"),
            (
                r"((?i:#fn))([ \t]+)(" + _NAME + ")",
                bygroups(Keyword.Namespace, Whitespace, Name.Function),
            ),
            (r"#[dD][0-9]*(?!\w)", Keyword.Type),
            (rf"(?i:#(?:{'|'.join(DIRECTIVES)}))(?!\w)", Keyword.Namespace),
            (rf"#{_NAME}", Error),
            (r"0x[0-9A-Fa-f_]+(?!\w)", Number.Hex),
            (r"0b[01_]+(?!\w)", Number.Bin),
            (r"0o[0-7_]+(?!\w)", Number.Oct),
            (r"[0-9][0-9_]*(?!\w)", Number.Integer),
            (r"(?<![\w)\]])\$[0-9A-Fa-f][0-9A-Fa-f_]*(?!\w)", Number.Hex),
            (r"(?<![\w)\]])%[01][01_]*(?!\w)", Number.Bin),
            (r"\$", Name.Variable.Magic),
            (_word(CONTROL), Keyword),
            (_word(MNEMONICS), Name.Function),
            (_word(REGISTERS), Name.Variable),
            (_word(CONSTANT_NAMES), Name.Constant),
            (_word(KEYWORDS), Keyword.Constant),
            (_word(FUNCTIONS) + r"(?=\s*\()", Name.Builtin),
            (_PATH, Name),
            (r"=>|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^!?:=<>@`]", Operator),
            (r"[(){}\[\],.#']", Punctuation),
        ],
        "comment": [
            (r"[^;*]+", Comment.Multiline),
            (r";\*", Comment.Multiline, "#push"),
            (r"\*;", Comment.Multiline, "#pop"),
            (r"[;*]", Comment.Multiline),
        ],
        "string": [
            (r'[^"\\]+', String),
            (r"\\(?:[nrt0\\\"']|x[0-9A-Fa-f]{2}|u\{[0-9A-Fa-f_]{1,8}\})", String.Escape),
            (r"\\.", Error),
            (r'"', String, "#pop"),
        ],
    }
