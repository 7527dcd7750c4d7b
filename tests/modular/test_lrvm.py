"""An LRVM CPU as a processor: batches, its end, and what its accesses become."""

from __future__ import annotations

import threading

import pytest

from lrvm_components import Ram
from lrvm_jit import GuestException, Motherboard, TranslatorOptions
from lrvm_jit.modular import (
    ComponentPeripheral,
    Data,
    DisconnectedError,
    Fail,
    Good,
    Load,
    LrvmProcessor,
    Machine,
    Metadata,
    Peripheral,
    Port,
    Query,
    Response,
    Save,
    Swap,
    Terminate,
    TwoWayChannel,
)
from lrvm_jit.modular.lrvm import BATCH, BATCH_QUERIES
from lrvm_tools.lasm import assemble
from tests.engines import EngineChoice
from tests.machine.probes import Probe
from tests.modular.lrvm_kit import LOCKED_ADDITIONS, PORT, Scripted, processor
from tests.modular.schedulers import SchedulerName


def run(
    one: LrvmProcessor, *peripherals: Peripheral, scheduler: SchedulerName = "cooperative"
) -> BaseException | None:
    """Run it to its end; the error it ended with, if any."""
    handle = Machine(peripherals, [one]).run(scheduler)
    handle.join()
    return handle.processors[0].error


# --- accesses ------------------------------------------------------------------------------------

ACCESSES = """
  lsa a1, a0, 4
  lea a0, a2, 4
  wsa a0, 12, 0x77
  srm a0, 16, a3
  cpy ssp, a7
  push a1
  pop a4
  halt
"""


def test_accesses_become_queries(scheduler: SchedulerName, engine: EngineChoice) -> None:
    """One query an access, with the byte offset in the port; one for the whole of SRM."""
    scripted = Scripted()
    scripted.words = {4: 0x44, 8: 0x88, 16: 0xAA}
    one = processor(ACCESSES, engine, registers={"a2": 2, "a3": 3, "a7": PORT + 0x20})
    assert run(one, scripted, scheduler=scheduler) is None
    assert scripted.queries == [
        Load(4),
        Load(8),
        Save(12, 0x77),
        Swap(16, 3),
        Save(0x1C, 0x44),
        Load(0x1C),
    ]
    regs = one.board.cpu.regs
    assert (regs.a1, regs.avr, regs.a3, regs.a4) == (0x44, 0x88, 0xAA, 0x44)


@pytest.mark.parametrize("batch", [1, 2, 7, None])
def test_any_batch(batch: int | None, engine: EngineChoice) -> None:
    """How the instructions are cut into batches changes nothing."""
    scripted = Scripted()
    one = processor(
        "loop: srm a0, 4, a1\nadd a1, 3\nwsa a0, 8, a1\ninc a2\ncmp a2, 50\nifls\njp loop\nhalt",
        engine,
        batch=batch,
    )
    assert run(one, scripted) is None
    expected: list[Query] = []
    old, a1 = 0, 0
    for _ in range(50):
        expected.append(Swap(4, a1))
        old, a1 = a1, old + 3
        expected.append(Save(8, a1))
    assert scripted.queries == expected
    assert one.board.cpu.cycles == 350


def test_several_ports(engine: EngineChoice) -> None:
    """Each port leads to its own channel, whatever the order of addresses; two may share one."""
    first, second = Scripted(), Scripted()
    one = processor(
        "wsa a0, 0, 1\nwsa a0, 16, 2\nwsa a0, 32, 3\nhalt",
        engine,
        ports={PORT + 16: Port(1, 16), PORT: Port(0, 16), PORT + 32: Port(1, 16)},
    )
    assert run(one, first, second) is None
    assert first.queries == [Save(0, 1)]
    assert second.queries == [Save(0, 2), Save(0, 3)]


@pytest.mark.parametrize(
    ("source", "query"),
    [
        ("lsa a1, a0, 4", Load(4)),
        ("wsa a0, 4, 5", Save(4, 5)),
        ("srm a0, 4, a1", Swap(4, 0x55)),
        ("jp a0", Load(0)),
    ],
)
@pytest.mark.parametrize("code", [0, 0x2107, 0xFFFF])
def test_fail_is_a_hardware_exception(
    source: str, query: Query, code: int, engine: EngineChoice
) -> None:
    """The guest gets the code's 16 bits, and its handler goes on; the query is not repeated."""
    scripted = Scripted({query: Fail(code)})
    one = processor(
        f"cpy ev, stop\n{source}\nhalt\nstop: lsa a4, a0, 8\nhalt", engine, registers={"a1": 0x55}
    )
    scripted.words[8] = 0x88
    assert run(one, scripted) is None
    assert one.board.cpu.exception == GuestException(True, 0xA0, code)
    assert scripted.queries == [query, Load(8)]
    assert (one.board.cpu.regs.a1, one.board.cpu.regs.a4) == (0x55, 0x88)


@pytest.mark.parametrize(
    ("query", "answer", "message"),
    [
        (Load(4), Data(1 << 32), "answered 4294967296 to a read at offset 4"),
        (Load(4), Fail(0x10000), r"answered Fail\(65536\).*0..0xFFFF"),
        (Save(4, 5), Fail(-1), r"answered Fail\(-1\).*0..0xFFFF"),
    ],
)
def test_answers_that_no_guest_can_get(
    query: Query, answer: Response, message: str, engine: EngineChoice
) -> None:
    """They end the processor with an error that says what was answered."""
    source = "lsa a1, a0, 4\nhalt" if query == Load(4) else "wsa a0, 4, 5\nhalt"
    ended = run(processor(source, engine), Scripted({query: answer}))
    assert isinstance(ended, ValueError)
    with pytest.raises(ValueError, match=message):
        raise ended


def test_an_answer_of_the_wrong_kind(engine: EngineChoice) -> None:
    """Machines check that; a channel of one's own does not."""
    one = processor("lsa a1, a0, 4\nhalt", engine)
    endpoint, back = TwoWayChannel[Query, Response].pair()
    back.send(Good())
    one.boot([endpoint])
    with pytest.raises(TypeError, match=r"Peripheral answered Good\(\)"):
        one.exe_ins([endpoint])
    assert back.recv() == Load(4)


def test_a_peripheral_that_dies(scheduler: SchedulerName, engine: EngineChoice) -> None:
    """The processor ends as well, with an error that says why, and the instruction undone."""
    scripted = Scripted()

    def fail(query: Query) -> None:
        raise Terminate(7)

    scripted.on_query = fail
    one = processor("inc a3\nlsa a1, a0, 4\nhalt", engine, registers={"a1": 5})
    ended = run(one, scripted, scheduler=scheduler)
    assert isinstance(ended, DisconnectedError)
    assert "(Scripted) has ended, with code 7" in str(ended)
    regs = one.board.cpu.regs
    assert (regs.a1, regs.a3, regs.pc, one.board.cpu.cycles) == (5, 1, 4, 1)


def test_a_machine_that_is_stopped(scheduler: SchedulerName) -> None:
    """A guest that never ends does, after the batch in progress."""
    scripted = Scripted()
    one, two = processor("loop: lsa a1, a0, 4\njp loop"), processor("loop: jp loop")
    handle = Machine([scripted], [one, two]).run(scheduler)
    scripted.on_query = lambda query: handle.stop()
    handle.join()
    assert [status.code for status in handle.processors] == [0, 0]


# --- SRM -----------------------------------------------------------------------------------------


def test_swap_as_a_lock(scheduler: SchedulerName) -> None:
    """Nobody enters between the load and the store of an SRM, so no addition is lost."""
    processors = [processor(LOCKED_ADDITIONS, batch=5, registers={"a2": 40}) for _ in range(4)]
    ram = Ram(0x100)
    Machine([ComponentPeripheral(ram)], processors).run(scheduler).join()
    assert ram.words[:2].tolist() == [0, 160]


def test_nothing_comes_between_the_halves_of_a_swap(
    scheduler: SchedulerName, engine: EngineChoice
) -> None:
    """Two processors swap a word. The first READ is held back until both have asked; still the
    WRITE of the same swap is what the component sees next."""
    probe = Probe(words={0: 100})
    asked: list[Query] = []
    both_asked = threading.Event()

    class Announced(Port):
        def _ask(self, query: Query) -> Response:
            asked.append(query)
            if len(asked) == 2:
                both_asked.set()
            return super()._ask(query)

    def hold(kind: str, offset: int, word: int) -> None:
        # Under the cooperative scheduler nobody asks while another waits.
        if kind == "read" and scheduler == "threads":
            assert both_asked.wait(60)

    probe.on_access = hold
    one, two = (
        processor("srm a0, 0, a1\nhalt", engine, Announced(0, 4), registers={"a1": word})
        for word in (1, 2)
    )
    Machine([ComponentPeripheral(probe)], [one, two]).run(scheduler).join()
    accesses = [access.kind for access in probe.accesses if access.kind != "reset"]
    assert accesses == ["read", "write", "read", "write"]
    # The words went round.
    given = [one.board.cpu.regs.a1, two.board.cpu.regs.a1, probe.words[0]]
    assert given in ([100, 1, 2], [2, 100, 1])


def test_a_swap_that_will_not_store(engine: EngineChoice) -> None:
    """An SRM of a register that userland may not read loads, and changes nothing."""
    scripted = Scripted()
    one = processor("cpy ev, stop\nlsm user\nuser: srm a0, 4, ssp\nstop: halt", engine)
    assert run(one, scripted) is None
    assert scripted.queries == [Load(4)]
    assert one.board.cpu.exception == GuestException(False, 0x03, 0x18)


# --- the end -------------------------------------------------------------------------------------


def test_halt_is_a_normal_end(scheduler: SchedulerName, engine: EngineChoice) -> None:
    one = processor("inc a1\nhalt", engine)
    assert run(one, Scripted(), scheduler=scheduler) is None
    assert one.board.cpu.regs.a1 == 1
    assert one.board.cpu.halted


@pytest.mark.parametrize(
    ("source", "code"), [("#d32 0", 0x01), ("itr 5", 0xF0), ("div a1, 0, 0", 0x0A)]
)
def test_halt_on_exception(source: str, code: int, engine: EngineChoice) -> None:
    """The exception's code is the processor's."""
    one = processor(f"inc a3\n{source}\nhalt", engine, halt_on_exception=True)
    ended = run(one, Scripted())
    assert isinstance(ended, Terminate)
    assert ended.code == code
    assert "at 0x00000004" in ended.__notes__[0]
    assert one.board.cpu.regs.a3 == 1


def test_exceptions_go_to_the_guest(engine: EngineChoice) -> None:
    one = processor("cpy ev, handler\nitr 5\nhandler: cpy a1, et\nhalt", engine)
    assert run(one, Scripted()) is None
    assert one.board.cpu.regs.a1 == 0x01F00005


def test_a_polling_processor_lets_others_run() -> None:
    """A batch ends after so many queries: here, one more turn is all that the other needs."""
    scripted = Scripted()
    waiting = processor("loop: lsa a1, a0, 0\ncmp a1, 0\nifeq\njp loop\nhalt", batch=10**12)
    working = processor("wsa a0, 0, 1\nhalt")
    Machine([scripted], [waiting, working]).run(scheduler="cooperative").join()
    assert scripted.queries.count(Load(0)) <= 2 * BATCH_QUERIES + 1
    assert waiting.board.cpu.regs.a1 == 1


# --- making one ----------------------------------------------------------------------------------


def test_registers_are_set_after_the_reset(engine: EngineChoice) -> None:
    one = processor("wsa a0, 0, a5\nhalt", engine, registers={"a5": 99})
    scripted = Scripted()
    assert run(one, scripted) is None
    assert scripted.queries == [Save(0, 99)]


def test_a_board_of_ones_own(engine: EngineChoice) -> None:
    """With whatever stands on it besides the ports."""
    probe = Probe()
    ram = Ram(
        0x100, image=assemble("cpy a0, 0x100\nwsa a0, 0, 5\ncpy a0, 0x2000\nwsa a0, 4, 6\nhalt")
    )
    board = Motherboard([ram, Port(0, 0x100), probe], engine=engine)
    board.map_contiguous(0)
    # The probe follows the port, at 0x200; here it is wanted at 0x2000 as well.
    scripted = Scripted()
    one = LrvmProcessor(board, name="My board")
    assert one.metadata() == Metadata("My board")
    assert run(one, scripted) is None
    assert scripted.queries == [Save(0, 5)]
    assert probe.resets == 1


def test_a_port_to_no_channel() -> None:
    ended = run(processor("halt", port=Port(3, 16)), Scripted())
    assert isinstance(ended, ValueError)
    assert "channel 3, but this processor has only 1 channels" in str(ended)


def test_a_port_outside_a_machine() -> None:
    board = Motherboard([Ram(0x100, image=assemble("lsa a1, a0\nhalt")), Port(0, 0x100)])
    board.map_contiguous(0)
    board.reset()
    board.cpu.regs.a0 = 0x100
    with pytest.raises(RuntimeError, match="run its board as an LrvmProcessor"):
        board.run()


def test_a_processor_uses_the_engine_it_is_given() -> None:
    assert LrvmProcessor(assemble("halt")).board.engine == "translator"
    assert LrvmProcessor(assemble("halt"), engine="reference").board.engine == "reference"
    options = TranslatorOptions(threshold=1)
    assert LrvmProcessor(assemble("halt"), engine=options).board.engine == "translator"
    assert LrvmProcessor(assemble("halt")).batch == BATCH
