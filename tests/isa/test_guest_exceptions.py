"""Exceptions of the guest and of the hardware as values and as sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_jit import ExceptionCode, GuestException, HardwareCode, HardwareError


def test_codes_of_the_specification() -> None:
    """isa.md, Exceptions; memory.md, Hardware exceptions."""
    assert {int(code) for code in ExceptionCode} == {*range(1, 0x0E), 0x10, 0x11, 0x12, 0xA0, 0xF0}
    assert {int(code) for code in HardwareCode} == {0, 1, 2, 0x10, 0x11, 0x20, 0x21, 0x30, 0x31}


@given(st.booleans(), st.integers(0, 255), st.integers(0, 0xFFFF))
def test_a_guest_exception_and_its_word(supervisor: bool, code: int, data: int) -> None:
    """`et` and back; the layout is mode, code, data."""
    exception = GuestException(supervisor, code, data)
    assert exception.word == (int(supervisor) << 24) + (code << 16) + data
    assert GuestException.from_word(exception.word) == exception
    assert exception.mode == ("supervisor" if supervisor else "userland")


@given(st.integers(0, 255), st.integers(0, 255))
def test_a_hardware_error_and_its_word(code: int, data: int) -> None:
    """Code in the high byte, data in the low one."""
    error = HardwareError(code, data)
    assert error.word == code * 256 + data
    again = HardwareError.from_word(error.word)
    assert (again.code, again.data) == (code, data)
    assert type(error.code) is int


@pytest.mark.parametrize(("code", "data"), [(256, 0), (-1, 0), (0, 256), (0, -1)])
def test_a_hardware_error_that_does_not_fit(code: int, data: int) -> None:
    label, value = ("code", code) if data == 0 and code else ("data", data)
    with pytest.raises(ValueError, match=rf"{label} is {value}; it must be within 0\.\.255"):
        HardwareError(code, data)


def test_the_hardware_part_of_a_guest_exception() -> None:
    """Only of 0xA0."""
    exception = GuestException(True, ExceptionCode.HARDWARE, 0x2142)
    assert exception.hardware is not None
    assert (exception.hardware.code, exception.hardware.data) == (0x21, 0x42)
    assert GuestException(True, ExceptionCode.INTERRUPTION, 0x2142).hardware is None


def test_every_code_has_a_sentence_of_its_own() -> None:
    """No two say the same, and none falls back on numbers."""
    sentences = [str(GuestException(True, code, 0x07)) for code in ExceptionCode]
    sentences += [str(HardwareError(code, 0x07)) for code in HardwareCode]
    assert len(set(sentences)) == len(sentences)
    # HARDWARE with data 0x07 shows hardware code 0's sentence behind a colon.
    assert not [text for text in sentences if "nknown exception" in text or "with data" in text]


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        (0x01010000, "Unknown opcode 0x00"),
        (0x00030018, "Register ssp (0x18) cannot be read in userland mode"),
        (0x00040017, "Register af (0x17) cannot be written"),
        (0x0104001B, "Register era (0x1B) cannot be written"),
        (0x0004001F, "Register smt (0x1F) cannot be written in userland mode"),
        (0x00030021, "Register 0x21 cannot be read in userland mode"),
        (0x01020021, "Unknown register 0x21"),
        (0x01050003, "Unaligned memory address (offset 3 in its word)"),
        (0x0107ABCD, "MMU refused a write at an address ending in 0xABCD"),
        (0x010A0000, "Division by zero"),
        (0x01A03100, "Hardware exception: The address is not writable"),
        (0x01A01042, "Hardware exception: Unknown operation 0x42"),
        (0x01A0FF01, "Hardware exception: Hardware error 0xFF with data 0x01"),
        (0x01F01234, "Interruption 0x1234"),
        (0x01771234, "Unknown exception 0x77 with data 0x1234"),
    ],
)
def test_sentences(word: int, sentence: str) -> None:
    """With the data where it says something."""
    assert str(GuestException.from_word(word)) == sentence
