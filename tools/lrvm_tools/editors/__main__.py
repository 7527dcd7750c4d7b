"""Writes the generated files of `editors/vscode`: `python -m lrvm_tools.editors editors/vscode`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .textmate import grammar

GRAMMAR = Path("syntaxes") / "lasm.tmLanguage.json"


def grammar_text() -> str:
    """The grammar's file."""
    return json.dumps(grammar(), indent=2) + "\n"


def main(arguments: list[str]) -> int:
    """Write the files below a folder."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print(
            "usage: python -m lrvm_tools.editors FOLDER, the extension's folder (editors/vscode)",
            file=sys.stderr,
        )
        return 2
    path = Path(arguments[0]) / GRAMMAR
    path.parent.mkdir(exist_ok=True)
    path.write_text(grammar_text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
