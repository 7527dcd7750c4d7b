"""The TextMate grammar that VS Code and others colour LASM with.

`python -m lrvm_tools.editors FOLDER` writes it. A test fails while the committed grammar is not
what it would write. Patterns keep to what Oniguruma and Python's `re` understand alike, so that a
test can colour sample files with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from . import words

SCOPE: Final = "source.lasm"
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_PATH: Final = rf"(?:\.+{_NAME}|{_NAME})(?:\.{_NAME})*"
"""A label or constant, local ones with dots before them."""


def grammar() -> dict[str, Any]:
    """The grammar as it stands in the file."""
    return {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "LASM",
        "scopeName": SCOPE,
        "fileTypes": ["lasm", "asm"],
        "patterns": [{"include": f"#{name}"} for name in _ORDER],
        "repository": {name: rule(name) for name in _RULES},
    }


def rule(name: str) -> dict[str, Any]:
    """One rule of the grammar's repository."""
    return dict(_RULES[name])


def _any_of(names: Iterable[str]) -> str:
    """A word of the list, whatever its case, that is not a part of a longer or dotted name."""
    return rf"(?i:(?<![\w.])(?:{'|'.join(names)})(?![\w]))"


_RULES: Final[dict[str, dict[str, Any]]] = {
    "block-comment": {
        "name": "comment.block.lasm",
        "begin": r";\*",
        "end": r"\*;",
        "patterns": [{"include": "#block-comment"}],
    },
    "comment": {"name": "comment.line.semicolon.lasm", "match": r";.*$"},
    "string": {
        "name": "string.quoted.double.lasm",
        "begin": '"',
        "end": '"',
        "patterns": [
            {
                "name": "constant.character.escape.lasm",
                "match": r"\\(?:[nrt0\\\"']|x[0-9A-Fa-f]{2}|u\{[0-9A-Fa-f_]{1,8}\})",
            },
            {"name": "invalid.illegal.escape.lasm", "match": r"\\."},
        ],
    },
    "function-definition": {
        "match": rf"(?i:(#fn)\b)\s*({_NAME})?",
        "captures": {
            "1": {"name": "keyword.control.directive.lasm"},
            "2": {"name": "entity.name.function.lasm"},
        },
    },
    "data": {"name": "keyword.other.data.lasm", "match": r"#[dD][0-9]*(?![\w])"},
    "directive": {
        "name": "keyword.control.directive.lasm",
        "match": rf"(?i:#(?:{'|'.join(words.DIRECTIVES)})(?![\w]))",
    },
    "unknown-directive": {"name": "invalid.illegal.directive.lasm", "match": rf"#{_NAME}"},
    "label": {
        "match": rf"^\s*({_PATH})(:)",
        "captures": {
            "1": {"name": "entity.name.label.lasm"},
            "2": {"name": "punctuation.separator.label.lasm"},
        },
    },
    "constant-definition": {
        "match": rf"^\s*({_PATH})\s*(=)(?![=>])",
        "captures": {
            "1": {"name": "variable.other.constant.lasm"},
            "2": {"name": "keyword.operator.assignment.lasm"},
        },
    },
    "number": {
        "name": "constant.numeric.lasm",
        "match": (
            r"(?<![\w])(?:0x[0-9A-Fa-f_]+|0b[01_]+|0o[0-7_]+|[0-9][0-9_]*)(?![\w])"
            r"|(?<![\w)\]])(?:\$[0-9A-Fa-f][0-9A-Fa-f_]*|%[01][01_]*)(?![\w])"
        ),
    },
    "current-address": {"name": "variable.language.address.lasm", "match": r"\$"},
    "control": {"name": "keyword.control.lasm", "match": _any_of(words.CONTROL)},
    "mnemonic": {"name": "support.function.mnemonic.lasm", "match": _any_of(words.MNEMONICS)},
    "register": {"name": "variable.language.register.lasm", "match": _any_of(words.REGISTERS)},
    "constant": {"name": "support.constant.lasm", "match": _any_of(words.CONSTANT_NAMES)},
    "keyword": {"name": "constant.language.lasm", "match": _any_of(words.KEYWORDS)},
    "built-in": {
        "name": "support.function.builtin.lasm",
        "match": _any_of(words.FUNCTIONS) + r"(?=\s*\()",
    },
    "parameter": {
        "match": rf"(\{{)\s*({_NAME})\s*(?:(:)\s*([usi][0-9]+|{_NAME})\s*)?(\}})",
        "captures": {
            "1": {"name": "punctuation.section.parameter.lasm"},
            "2": {"name": "variable.parameter.lasm"},
            "3": {"name": "punctuation.separator.type.lasm"},
            "4": {"name": "storage.type.lasm"},
            "5": {"name": "punctuation.section.parameter.lasm"},
        },
    },
    "reference": {"name": "variable.other.lasm", "match": _PATH},
    "operator": {
        "name": "keyword.operator.lasm",
        "match": r"=>|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^!?:=<>@`]",
    },
}
_ORDER: Final = tuple(_RULES)
"""First come, first served."""
