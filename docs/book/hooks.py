"""What MkDocs calls while it builds the site (mkdocs.yml: hooks)."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.book.insertions import expand

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"(\]\()([^)#:\s]+)((?:#[^)\s]*)?\))")
_ROW = re.compile(r"^\|.*\|$", re.MULTILINE)
_CODE = re.compile(r"`[^`\n]+`")
_LANGUAGES = {".lasm": "lasm", ".asm": "lasm", ".py": "python", ".c": "c", ".toml": "toml"}
_ELSEWHERE = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "examples/README.md": "examples/index.md",
    "editors/vscode/README.md": "editors.md",
}
"""Files of the project that are pages of the site as well."""


def on_files(files: Files, config: Any) -> Files:
    """Pages for the files beside `docs` that belong to the book."""
    for source, page in _ELSEWHERE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        text = _relinked(text, source, page)
        files.append(File.generated(config, page, content=text))
    for path in sorted((ROOT / "examples").rglob("*")):
        source = path.relative_to(ROOT).as_posix()
        if path.suffix in _LANGUAGES:
            files.append(File.generated(config, f"{source}.md", content=_example(path, source)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Insert what comes from the sources, and point links at pages of the site."""
    where = page.file.src_uri
    if page.file.generated_by is None:
        markdown = _relinked(markdown, f"docs/{where}", where)
    # `shell` blocks are sessions, which Pygments calls `console`. In code in a table GitHub wants
    # `\|`, and Python-Markdown `|`.
    markdown = expand(markdown).replace("```shell\n$ ", "```console\n$ ")
    return _ROW.sub(
        lambda row: _CODE.sub(lambda code: code[0].replace("\\|", "|"), row[0]), markdown
    )


def _example(path: Path, source: str) -> str:
    text = path.read_text(encoding="utf-8").rstrip()
    fence = "````" if "```" in text else "```"
    language = _LANGUAGES[path.suffix]
    return (
        f"---\nsearch:\n  exclude: true\n---\n\n# {source}\n\n{fence}{language}\n{text}\n{fence}\n"
    )


def _relinked(text: str, source: str, page: str) -> str:
    """`text` of the file `source` with its links as they must be on the page `page`."""

    def target(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[2]))
        if path in _ELSEWHERE:
            path = _ELSEWHERE[path]
        elif path.startswith("docs/"):
            path = path.removeprefix("docs/")
            if path.startswith("spec") and path == "spec":
                path = "spec/README.md"
        elif path.startswith("examples/") and posixpath.splitext(path)[1] in _LANGUAGES:
            path = f"{path}.md"
        else:
            return match[0]
        return match[1] + posixpath.relpath(path, posixpath.dirname(page) or ".") + match[3]

    return _LINK.sub(target, text)
