"""Output formats that show the bits alone (section 8 of the specification)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from .assembler import Result
from .items import DataItem, InstructionItem

_RECORD: Final = 32
_ROW: Final = 16


def digits_of(data: bytes, start: int, count: int, bits: int) -> str:
    """`count` digits of `bits` bits each from bit `start` on; beyond the data they are zeros."""
    end = start + count * bits
    part = data[start // 8 : (end + 7) // 8]
    value = int.from_bytes(part, "big")
    # The bits of the part that lie behind the last digit; negative where the data ends before it.
    behind = 8 * (start // 8 + len(part)) - end
    value = value >> behind if behind >= 0 else value << -behind
    value &= (1 << (count * bits)) - 1
    if bits == 4:
        return f"{value:0{count}x}" if count else ""
    if bits == 1:
        return f"{value:0{count}b}" if count else ""
    mask = (1 << bits) - 1
    return "".join(_digit(value >> shift & mask) for shift in range(bits * (count - 1), -1, -bits))


def _digit(value: int) -> str:
    """A digit of any base, as the original writes it: letters go on with whatever follows `z`."""
    return chr(ord("0") + value) if value < 10 else chr(ord("a") + value - 10)


def binary(result: Result) -> bytes:
    return result.data


def binstr(result: Result) -> str:
    return digits_of(result.data, 0, result.length, 1)


def hexstr(result: Result) -> str:
    return result.data.hex()[: (result.length + 3) // 4]


def dump(bits: int, row: int) -> Callable[[Result], str]:
    """`bindump` and `hexdump`: rows of bytes with their characters."""
    per_byte = 8 // bits

    def write(result: Result) -> str:
        data, length = result.data, result.length
        count = max((length + 8 * (row - 1)) // (8 * row), 1)
        width = len(f"{(count - 1) * row:x}")
        known = (length + bits - 1) // bits
        digits = digits_of(data, 0, known, bits)
        lines = []
        for start in range(0, count * row, row):
            first = start * per_byte
            shown = digits[first : first + row * per_byte].ljust(row * per_byte, ".")
            text = f" {start:0{width}x} | "
            for index in range(row):
                text += shown[index * per_byte : (index + 1) * per_byte] + " "
                if index % 4 == 3 and index != row - 1:
                    text += " "
            part = data[start : start + row]
            text += "| " + "".join(map(_character, part)).ljust(row, ".") + " |\n"
            lines.append(text)
        return "".join(lines)

    return write


def _character(byte: int) -> str:
    if byte in b" \t\r\n":
        return " "
    return "." if byte < 32 or byte > 127 or byte == ord("|") else chr(byte)


def mif(result: Result) -> str:
    data = result.data
    width = len(f"{max(len(data) - 1, 0):X}")
    lines = [
        f"DEPTH = {len(data)};\nWIDTH = 8;\nADDRESS_RADIX = HEX;\nDATA_RADIX = HEX;\n\n"
        "CONTENT\nBEGIN\n"
    ]
    lines.extend(f" {address:{width}X}: {byte:02X};\n" for address, byte in enumerate(data))
    return "".join(lines) + "END;"


def intelhex(result: Result, addr_unit: int = 8) -> str:
    """Intel HEX; addresses count units of `addr_unit` bits."""
    records = []
    for start, end in _blocks(result):
        data = bytes.fromhex(digits_of(result.data, start, (end - start + 7) // 8 * 2, 4))
        for offset in range(0, len(data), _RECORD):
            part = data[offset : offset + _RECORD]
            address = (start + 8 * offset) // addr_unit & 0xFFFF
            content = bytes((len(part), address >> 8, address & 0xFF, 0)) + part
            records.append(f":{content.hex().upper()}{-sum(content) & 0xFF:02X}\n")
    return "".join(records) + ":00000001FF"


def _blocks(result: Result) -> Iterator[tuple[int, int]]:
    """The ranges of bits that were written without a gap."""
    ranges = sorted(
        (item.bank.output + item.position, item.size)
        for item in result.items
        if isinstance(item, InstructionItem | DataItem)
        and item.bank.output is not None
        and item.size
    )
    block: tuple[int, int] | None = None
    for start, size in ranges:
        if block is not None and block[1] == start:
            block = (block[0], start + size)
        else:
            if block is not None:
                yield block
            block = (start, start + size)
    if block is not None:
        yield block


def separated(show: str, separator: str) -> Callable[[Result], str]:
    """`deccomma`, `hexcomma`, `decspace`, `hexspace`: bytes with a separator between them."""

    def write(result: Result) -> str:
        rows = _rows(result.data, show, separator)
        return f"{separator}\n".join(rows)

    return write


def _rows(data: bytes, show: str, separator: str) -> list[str]:
    return [
        separator.join(show.format(byte) for byte in data[start : start + _ROW])
        for start in range(0, len(data), _ROW)
    ]


def c_array(show: str) -> Callable[[Result], str]:
    """`decc` and `hexc`: a definition in C."""

    def write(result: Result) -> str:
        width = len(f"{max(len(result.data) - 1, 0):x}")
        rows = [
            f"\t/* 0x{index * _ROW:0{width}x} */ {row}"
            for index, row in enumerate(_rows(result.data, show, ", "))
        ]
        return "const unsigned char data[] = {\n" + ", \n".join(rows) + "\n};"

    return write


def logisim(bits: int) -> Callable[[Result], str]:
    """`logisim8` and `logisim16`: words as Logisim's memories load them."""

    def write(result: Result) -> str:
        data = result.data
        count = (8 * len(data) + bits - 1) // bits
        per_word = bits // 4
        digits = digits_of(data, 0, count * per_word, 4)
        words = [digits[start : start + per_word] for start in range(0, len(digits), per_word)]
        text = "v2.0 raw\n"
        per_row = 8 * _ROW // bits
        for index, word in enumerate(words, start=1):
            text += word + " "
            if index % per_row == 0:
                text += "\n"
        return text

    return write


def readmem(bits: int) -> Callable[..., str]:
    """`readmemb` and `readmemh` of later versions: a value of `width` bits on each line."""

    def write(result: Result, width: int = 8) -> str:
        per_line = (width + bits - 1) // bits
        lines = []
        for start in range(0, result.length, width):
            value = int(digits_of(result.data, start, width, 1), 2)
            lines.append(f"{value:0{per_line}{'b' if bits == 1 else 'x'}}\n")
        return "".join(lines)

    return write


def digit_list(
    result: Result,
    base: int = 16,
    group: int = 2,
    between: str = "",
    group2: int = 16,
    between2: str = "",
    before: str = "",
    after: str = "",
) -> str:
    """`list` of later versions: digits in groups, and groups of groups."""
    bits = base.bit_length() - 1
    count = (result.length + bits - 1) // bits
    digits = digits_of(result.data, 0, -(-count // group) * group, bits)
    groups = [digits[start : start + group] for start in range(0, len(digits), group)]
    rows = [
        between.join(before + each + after for each in groups[start : start + group2])
        for start in range(0, len(groups), group2)
    ]
    return between2.join(rows)
