"""Metadata words, names and hardware ids (memory.md: Components)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_jit import Category, Metadata, hardware_id
from lrvm_jit.core.metadata import name_bytes, type_name

WORD = st.integers(0, 2**32 - 1)


@given(st.lists(WORD, min_size=8, max_size=8))
def test_words_and_fields(words: list[int]) -> None:
    """Eight words in the specified order, there and back."""
    fields = Metadata.from_words(words)
    assert fields.words() == tuple(words)
    assert (fields.hardware_id >> 32, fields.hardware_id & 0xFFFFFFFF) == (words[0], words[1])
    assert [fields.size, fields.category, fields.type, fields.model] == words[2:6]
    assert (fields.data >> 32, fields.data & 0xFFFFFFFF) == (words[6], words[7])


def test_model_and_data_default_to_none() -> None:
    assert Metadata(1, 4, Category.MEMORY, 0x100).words() == (0, 1, 4, 0x21000, 0x100, 0, 0, 0)


@pytest.mark.parametrize(
    ("field", "value", "bits"),
    [
        ("hardware_id", 1 << 64, 64),
        ("size", 1 << 32, 32),
        ("category", -1, 32),
        ("type", 1 << 32, 32),
        ("model", 1 << 32, 32),
        ("data", 1 << 64, 64),
    ],
)
def test_fields_that_do_not_fit(field: str, value: int, bits: int) -> None:
    fields = {"hardware_id": 1, "size": 4, "category": 0, "type": 0, field: value}
    with pytest.raises(ValueError, match=f"{field} {value} does not fit {bits} bits"):
        Metadata(**fields)


@pytest.mark.parametrize("count", [0, 7, 9])
def test_another_number_of_words(count: int) -> None:
    with pytest.raises(ValueError, match=f"8 words, not {count}"):
        Metadata.from_words([0] * count)


def test_categories() -> None:
    assert {category.name: int(category) for category in Category} == {
        "DEBUG": 0x100,
        "CLOCK": 0x1000,
        "DISPLAY": 0x11000,
        "KEYBOARD": 0x16000,
        "MEMORY": 0x21000,
        "STORAGE": 0x22000,
        "PLATFORM_SPECIFIC": 0xEEEEEEEE,
        "UNCATEGORIZED": 0xFFFFFFFF,
    }


@pytest.mark.parametrize(
    ("category", "code", "name"),
    [
        (0x100, 0x100, "Basic"),
        (0x1000, 0x1, "Realtime"),
        (0x11000, 0x1, "Number"),
        (0x11000, 0x10, "Character"),
        (0x11000, 0x100, "Buffered"),
        (0x16000, 0x100, "ReadCharSynchronous"),
        (0x16000, 0x1000, "ReadLineSynchronous"),
        (0x21000, 0x100, "Ram"),
        (0x22000, 0x100, "Readonly"),
        (0x22000, 0x11, "Flash"),
        (0x22000, 0x21, "Persistent"),
        (0xEEEEEEEE, 0xABC, "0xABC"),
        (0xFFFFFFFF, 0, "0x0"),
    ],
)
def test_type_names(category: int, code: int, name: str) -> None:
    assert type_name(category, code) == name


def test_hardware_ids_are_fnv_1a() -> None:
    """Published test vectors of 64-bit FNV-1a: the id of a name never changes."""
    assert hardware_id("") == 0xCBF29CE484222325
    assert hardware_id("a") == 0xAF63DC4C8601EC8C
    assert hardware_id("foobar") == 0x85944171F73967E8


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_names_are_cut_between_characters(name: str) -> None:
    """At most 32 bytes, a whole prefix of the name, and as long as it can be."""
    data = name_bytes(name)
    shown = data.decode()
    assert name.startswith(shown)
    assert len(data) <= 32
    assert shown == name or len((shown + name[len(shown)]).encode()) > 32
