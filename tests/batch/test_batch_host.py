"""`Host` for the lanes of a batch: the same as a machine's, with inputs and outputs for each."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy
import pytest

from lrvm_components import BootRom, Host, Ram
from lrvm_components.batch_host import BatchHost
from lrvm_components.host_registers import HostErrorCode
from lrvm_jit import Category, Metadata, Motherboard
from lrvm_jit.batch import Batch, BatchComponent, LaneReason
from lrvm_jit.batch.component import LaneNumbers, Words
from lrvm_tools import assemble
from tests.executable.samples import program

HOST = 0x2000
ECHO = assemble(f"""
    cpy ac0, {HOST}
next:
    wsa ac0, 0x14, 0        ; HANDLE
    cpy a0, 7
    wsa ac0, 0x18, a0       ; COUNT
    wsa ac0, 0x00, 1        ; READ
    lsa a0, ac0, 0x28       ; RESULT
    cmp a0, 0
    ifeq
    jp done
    add rr0, a0
    wsa ac0, 0x18, a0
    wsa ac0, 0x14, 1
    wsa ac0, 0x00, 2        ; WRITE
    jp next
done:
    wsa ac0, 0x08, 0x21     ; ERR
    wsa ac0, 0x00, 8        ; ARGUMENTS
    lsa a1, ac0, 0x28
    wsa ac0, 0x10, rr0      ; STATUS
    halt
""")
INPUTS = [b"", b"a", b"sevenly", b"more than seven bytes", bytes(range(256)), b"x"] * 4


def single(stdin: bytes) -> tuple[bytes, int]:
    """What a machine of its own does with the input."""
    out = io.BytesIO()
    host = Host(["prog"], stdin=io.BytesIO(stdin), stdout=out, stderr=io.BytesIO())
    with Motherboard([BootRom(ECHO, 0x1000), Ram(0x1000), host]) as board:
        board.map_contiguous(0)
        board.reset()
        board.run()
    return out.getvalue(), host.status


@contextmanager
def batch_of(host: BatchHost, n: int, threads: int = 2) -> Iterator[Batch]:
    with Batch(ECHO, n, components=[host], threads=threads) as batch:
        yield batch


def test_lanes_are_as_machines() -> None:
    host = BatchHost(INPUTS, ["prog"])
    with batch_of(host, len(INPUTS)) as batch:
        result = batch.run()
    assert (result.reason == LaneReason.HALTED).all()
    assert list(zip(host.outputs(), host.statuses.tolist(), strict=True)) == [
        single(stdin) for stdin in INPUTS
    ]
    assert [host.stderr(lane) for lane in range(len(INPUTS))] == [b"!"] * len(INPUTS)
    assert (batch.regs[:, 1] == 1).all()
    with pytest.raises(IndexError):
        host.stdout(len(INPUTS))


def test_a_budget_cuts_lanes_anywhere_and_they_go_on() -> None:
    host = BatchHost(INPUTS)
    with batch_of(host, len(INPUTS)) as batch:
        while (batch.run(3).reason == LaneReason.BUDGET).any():
            pass
    assert host.outputs() == INPUTS


def test_reset_begins_everything_anew() -> None:
    host = BatchHost(INPUTS)
    with batch_of(host, len(INPUTS)) as batch:
        batch.run(20)
        batch.reset()
        assert host.outputs() == [b""] * len(INPUTS)
        assert not host.rows.any()
        batch.run()
    assert host.outputs() == INPUTS


def test_arguments_of_each_lane() -> None:
    host = BatchHost(per_lane_arguments=[["p"], ["p", "x"], []])
    with batch_of(host, 3) as batch:
        batch.run()
        assert batch.regs[:, 1].tolist() == [1, 2, 0]


def test_output_is_limited() -> None:
    """A lane that never stops writing is held up; others are not."""
    source = f"cpy ac0, {HOST}\nnext:\nwsa ac0, 0x04, 0x41\ndec rr0\nifnq\njp next\nhalt"
    host = BatchHost(limit=5)
    with Batch(assemble(source), 2, components=[host]) as batch:
        batch.regs[:, 13] = [3, 100]
        result = batch.run(1_000, halt_on_exception=True)
    assert host.outputs() == [b"AAA", b"AAAAA"]
    assert result.reason.tolist() == [LaneReason.HALTED, LaneReason.EXCEPTION]
    assert result.exception[1] & 0xFFFF == 0x3000


def test_commands_beyond_the_limit_get_a_code() -> None:
    host = BatchHost(b"0123456789", limit=5)
    with batch_of(host, 1) as batch:
        batch.run(8)  # up to the first WRITE, of 7 bytes
        batch.run(8)
    assert host.rows[0, (0x2C - 0x10) // 4] == HostErrorCode.NO_SPACE
    assert host.outputs() == [b""]


def test_lanes_share_a_folder(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    source = f"""
        cpy ac0, {HOST}
        cpy a0, 0x6600
        shl a0, 16
        cpy ac1, ac0
        add ac1, 0x100
        wsa ac1, 0, a0          ; the path: f
        wsa ac0, 0x18, 1
        wsa ac0, 0x1c, 1
        wsa ac0, 0x00, 3        ; OPEN
        lsa a1, ac0, 0x28
        halt
    """
    host = BatchHost(folder=tmp_path)
    with Batch(assemble(source), 3, components=[host]) as batch:
        batch.run()
        assert batch.regs[:, 1].tolist() == [3, 3, 3]


def test_inputs_must_fit_the_lanes() -> None:
    with pytest.raises(ValueError, match="inputs for 2 lanes, but 3 lanes"):
        Batch(ECHO, 3, components=[BatchHost([b"", b""])])
    host = BatchHost()
    Batch(ECHO, 1, components=[host])
    with pytest.raises(ValueError, match="another batch"):
        Batch(ECHO, 1, components=[host])


class Doubler(BatchComponent):
    """Doubles the words of its window when it is written to behind them."""

    name = "Doubler"
    window = (4, 3)

    def metadata(self) -> Metadata:
        return Metadata(1, 20, Category.UNCATEGORIZED, 0)

    def write(self, lanes: LaneNumbers, offsets: Words, words: Words) -> None:
        self.rows[lanes] *= 2

    def reset(self, lanes: LaneNumbers) -> None:
        self.rows[lanes] = 1000


def test_windows_of_batch_components() -> None:
    """They are memory of the lanes between the calls, also where the guest resets them."""
    source = f"""
        cpy ac0, {HOST}
        lsa a1, ac0, 4
        wsa ac0, 4, a0
        wsa ac0, 12, 7
        wsa ac0, 16, 0
        lsa a2, ac0, 4
        lsa a3, ac0, 12
        wsa ac0, 8, 5
        cpy avr, 2
        reset 0xF1              ; component 2, and not the CPU
        lsa a4, ac0, 8
        halt
    """
    component = Doubler()
    with Batch(assemble(source), 100, components=[component], threads=2) as batch:
        batch.regs[:, 0] = numpy.arange(100)
        batch.run()
        assert (batch.regs[:, 1] == 0).all()
        assert (batch.regs[:, 2] == 2 * numpy.arange(100)).all()
        assert (batch.regs[:, 3] == 14).all()
        assert (batch.regs[:, 4] == 1000).all()
        assert batch.memories[2].shape == (100, 3)
        batch.reset()
        assert (component.rows == 1000).all()


@pytest.mark.parametrize("window", [(-4, 1), (2, 1), (0, 0), (8, 4)])
def test_a_window_must_lie_in_the_component(window: tuple[int, int]) -> None:
    component = Doubler()
    component.window = window
    with pytest.raises(ValueError, match="does not lie within its 20 bytes"):
        Batch(ECHO, 1, components=[component])


def test_streams_run_executables() -> None:
    """Each chunk begins anew, the components' windows as well."""
    executable = program(
        """
        cpy ac0, 0xffff
        shl ac0, 16
        lsa rr0, ac0, 0x24      ; LOW of Host
        wsa ac0, 0x24, 5
        halt
        """
    )
    result = Batch.stream(executable, 10, outputs=["rr0", "cycles"], chunk=4)
    assert result["rr0"].tolist() == [0] * 10
    assert len(set(result["cycles"].tolist())) == 1
