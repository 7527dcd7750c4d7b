"""Finding text in data."""

from __future__ import annotations

from itertools import groupby

from ..program.data import Data, Word

MIN_TEXT = 4
"""Characters that a run must have to be taken for text."""


def split_text(data: bytes, min_text: int = MIN_TEXT) -> list[Word | Data]:
    """`data`, which is whole words, as raw words and, where it holds text, strings.

    Text is a run of at least `min_text` printable characters, or line breaks and tabs, in
    UTF-8. The items come to exactly `data`.
    """
    items: list[Word | Data] = []
    done = 0
    for start, end in _text_spans(data, min_text):
        items += _words(data[done:start])
        items.append(_strings(data[start:end], min_text))
        done = end
    return items + _words(data[done:])


def _text_spans(data: bytes, min_text: int) -> list[tuple[int, int]]:
    """Byte ranges of whole words with text in them; texts that share a word share a range."""
    spans: list[tuple[int, int]] = []
    position = 0
    for chunk, is_text in _runs(data, min_text):
        first, last = position & ~3, (position + len(chunk) + 3) & ~3
        position += len(chunk)
        if is_text and spans and first < spans[-1][1]:
            spans[-1] = (spans[-1][0], last)
        elif is_text:
            spans.append((first, last))
    return spans


def _runs(data: bytes, min_text: int) -> list[tuple[bytes, bool]]:
    """The bytes in runs of text and of something else."""
    # A byte that is no UTF-8 decodes to a lone surrogate, which is not printable.
    decoded = data.decode("utf-8", "surrogateescape")
    runs: list[tuple[bytes, bool]] = []
    for shown, characters in groupby(decoded, _is_shown):
        text = "".join(characters)
        runs.append((text.encode("utf-8", "surrogateescape"), shown and len(text) >= min_text))
    return runs


def _is_shown(character: str) -> bool:
    return character.isprintable() or character in "\n\r\t"


def _strings(data: bytes, min_text: int) -> Data:
    parts: list[str | bytes] = []
    for is_text, runs in groupby(_runs(data, min_text), lambda run: run[1]):
        chunk = b"".join(chunk for chunk, _ in runs)
        parts.append(chunk.decode() if is_text else chunk)
    return Data(tuple(parts))


def _words(data: bytes) -> list[Word | Data]:
    return [
        Word(int.from_bytes(data[offset : offset + 4], "big")) for offset in range(0, len(data), 4)
    ]
