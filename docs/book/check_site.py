"""`python -m docs.book.check_site site`: every link of the built site leads somewhere within it,
and no page needs the network to be seen."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src")}
"""What a browser fetches by itself; `link` depends on its `rel`."""
FETCHED_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "manifest"}


class _Page(HTMLParser):
    """The names that a page has, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.names |= {found[name] for name in ("id", "name") if name in found}
        for name in ("href", "src"):
            if name not in found:
                continue
            relations = set(found.get("rel", "").split())
            loads = (tag, name) in LOADED or (tag == "link" and relations & FETCHED_LINKS)
            (self.fetched if loads else self.links).append(found[name])


def problems(site: Path) -> list[str]:
    """A line for each link that leads nowhere and each thing fetched from elsewhere."""
    pages: dict[Path, _Page] = {}
    for path in sorted(site.rglob("*.html")):
        page = pages[path.resolve()] = _Page()
        page.feed(path.read_text(encoding="utf-8"))
    found = []
    for path, page in pages.items():
        where = path.relative_to(site.resolve())
        for link in page.links + page.fetched:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.fetched and parts.scheme != "data":
                    found.append(f"{where}: fetches {link}")
                continue
            folder = site if parts.path.startswith("/") else path.parent
            target = (folder / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                found.append(f"{where}: {link} leads nowhere")
            elif parts.fragment and target in pages:
                name = unquote(parts.fragment)
                if name not in pages[target].names and not name.startswith("__"):
                    found.append(f"{where}: {link} has no such place")
    for path in sorted(site.rglob("*.css")):
        text = path.read_text(encoding="utf-8")
        if any(mark in text for mark in ("@import url(http", "url(http", "url(//")):
            found.append(f"{path.relative_to(site)}: fetches from the network")
    return found


def main() -> int:
    """Print what is wrong; exit status 1 if something is."""
    site = Path(sys.argv[1])
    if not (site / "index.html").exists():
        print(f"{site} has no index.html", file=sys.stderr)
        return 2
    found = problems(site)
    print(
        "\n".join(found) or f"all links of {len(list(site.rglob('*.html')))} pages lead somewhere"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
