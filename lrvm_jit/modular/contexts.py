"""What a scheduler knows about each part: its context. And how queries get their answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from .errors import DeadlockError, Unwind
from .messages import Data, Fail, Good, Load, Metadata, Query, Response, Save, Swap, Terminate
from .parts import Node, Peripheral, Processor, ProcessorNode

if TYPE_CHECKING:
    from .endpoint import Endpoint

Part: TypeAlias = Processor | Peripheral | Node

S = TypeVar("S", bound="PartContext")

logger: Final = logging.getLogger("lrvm_jit.modular")

FAILED: Final = -1
"""The code of a part that ended with another exception than `Terminate`."""

ANSWER_OF: Final[dict[type, type]] = {Load: Data, Save: Good, Swap: Data}
"""What `handle` returns for each kind of query, if not `Fail`."""


class PartStatus:
    """What is known about a part of a machine that was started."""

    __slots__ = ("code", "errors", "kind", "model", "name", "number")

    def __init__(self, kind: str, number: int, model: str) -> None:
        self.kind = kind
        """`processor`, `peripheral` or `node`."""
        self.number = number
        self.model = model
        self.name = f"{kind} {number} ({model})"
        self.code: int | None = None
        """How it ended: 0 is a normal end, -1 an exception. None while it runs."""
        self.errors: list[BaseException] = []
        """What it ended with, if not normally. What its `halt` raised comes after that."""

    @property
    def error(self) -> BaseException | None:
        """The first of the errors, if there is one."""
        return self.errors[0] if self.errors else None

    def record(self, error: BaseException | None) -> None:
        """Note that the part has ended: with an error, or normally (None)."""
        code = 0
        if isinstance(error, Terminate):
            code = error.code
        elif error is not None:
            code = FAILED
        if not self.code:
            self.code = code
        if code and error is not None and error not in self.errors:
            error.add_note(f"{self.name} ended with code {self.code}")
            self.errors.append(error)

    def __repr__(self) -> str:
        state = "running" if self.code is None else f"ended with code {self.code}"
        return f"<{self.name}: {state}>"


class PendingQuery:
    """A query on its way, and its answer when there is one. Goes to the target and comes back."""

    __slots__ = ("answer", "cause", "depth", "endpoint", "query")

    def __init__(
        self, endpoint: Endpoint[Any], query: Query, depth: int, cause: PendingQuery | None
    ) -> None:
        self.endpoint = endpoint
        self.query = query
        self.answer: Response | Exception | None = None
        self.depth = depth
        """How many of the client's `handle` calls were going on when it was sent. An answer is
        for a `recv` in the same call: the calls below are asleep and wait for theirs."""
        self.cause = cause
        """The query that the client was answering then."""


class PartContext:
    """A part's place in a running machine. Schedulers add what they need."""

    def __init__(self, part: Part, kind: str, number: int) -> None:
        self.part = part
        self.gone = False
        """Whether it has ended: nobody can ask it any more. Its `halt` may still be running."""
        self.depth = 0
        """How many calls of its `handle` are going on. More than one if it queries others."""
        self.channels: tuple[Endpoint[Any], ...] = ()
        self.clients: list[Endpoint[Any]] = []
        """The endpoints that lead here."""
        self.turn: Callable[..., object] | None = None
        """What is called again and again, with the channels; None for peripherals."""
        if isinstance(part, Processor):
            self.turn = part.exe_ins
        elif isinstance(part, Node):
            self.turn = part.cycle
        self.handle: Callable[[Query], Any] | None = None
        self.knows_swap = False
        if isinstance(part, (Peripheral, ProcessorNode, Node)):
            self.handle = part.handle
            self.knows_swap = part.knows_swap
        self.cycle: Callable[[], object] | None = None
        """What a peripheral does once per turn; None if that is nothing."""
        if isinstance(part, Peripheral) and _overrides_cycle(part):
            self.cycle = part.cycle
        self.status = _status(part, kind, number)
        self.failed_early = self.status.code is not None

    @property
    def name(self) -> str:
        """What the part is called in messages and thread names."""
        return self.status.name

    def call_boot(self) -> None:
        """Call the part's `boot`."""
        part = self.part
        if isinstance(part, Peripheral):
            part.boot()
        else:
            part.boot(self.channels)

    def call_halt(self) -> None:
        """Call the part's `halt`, and say so if the part has failed."""
        part, status = self.part, self.status
        try:
            if isinstance(part, Peripheral):
                part.halt()
            else:
                part.halt(self.channels)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            status.record(None if isinstance(error, Unwind) else error)
        finally:
            for problem in status.errors:
                logger.error("%s ended with code %s: %r", self.name, status.code, problem)

    def end(self, error: BaseException | None) -> None:
        """Note that the part has ended, and help who has to understand why."""
        if isinstance(error, IndexError) and str(error) == "tuple index out of range":
            names = [f"{i} is {endpoint.target.name}" for i, endpoint in enumerate(self.channels)]
            error.add_note(
                f"if that was a channel of {self.name}: it has {len(names)} channels: "
                + ", ".join(names)
            )
        self.status.record(error)

    def begin_swap(self) -> None:
        """A `Swap` is about to be done in two steps: answer nobody else until `end_swap`."""

    def end_swap(self) -> None:
        """The two steps are done."""


def _overrides_cycle(part: Peripheral) -> bool:
    # Not with `vars`: an object whose dictionary somebody has seen is slower from then on.
    return getattr(part.cycle, "__func__", None) is not Peripheral.cycle


def contexts_of(
    processors: Sequence[Part], peripherals: Sequence[Part], make: Callable[[Part, str, int], S]
) -> tuple[list[S], list[S]]:
    """A context for each part, numbered from 0 among its kind."""
    return (
        [
            make(part, "node" if isinstance(part, Node) else "processor", number)
            for number, part in enumerate(processors)
        ],
        [make(part, "peripheral", number) for number, part in enumerate(peripherals)],
    )


def connect(
    processors: Sequence[S],
    peripherals: Sequence[S],
    linked: bool,
    make: Callable[[S, S], Endpoint[S]],
) -> None:
    """Give every processor its channels: to the peripherals, then to the other processors if the
    machine links them."""
    for client in processors:
        others = [context for context in processors if context is not client] if linked else []
        client.channels = tuple(make(client, target) for target in (*peripherals, *others))
        for endpoint in client.channels:
            endpoint.target.clients.append(endpoint)


def _status(part: Part, kind: str, number: int) -> PartStatus:
    """The status of a part that is about to start. One whose metadata fails has ended already."""
    try:
        metadata = part.metadata()
        if not isinstance(metadata, Metadata):
            raise TypeError(f"metadata() returned {metadata!r}; it must return Metadata(model)")
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        status = PartStatus(kind, number, type(part).__name__)
        status.record(error)
        return status
    return PartStatus(kind, number, metadata.model)


def answer(context: PartContext, query: Query) -> Response:
    """What the part answers to a query."""
    assert context.handle is not None
    response: Response = context.handle(query)
    if type(response) is ANSWER_OF[type(query)]:
        return response
    return settle(context, query, response)


def settle(context: PartContext, query: Query, response: object) -> Response:
    """Make sense of a response that is not the usual one: a refusal, or a `Swap` not known."""
    if isinstance(query, Swap) and not context.knows_swap:  # noqa: SIM102 - reads better
        if response is None or response is NotImplemented or isinstance(response, Fail):
            return _swap_in_two_steps(context, query)
    if isinstance(response, (ANSWER_OF[type(query)], Fail)):
        return response  # type: ignore[return-value]
    kind = ANSWER_OF[type(query)].__name__
    raise TypeError(
        f"handle of {context.name} answered {query!r} with {response!r}; "
        f"it must return {kind} or Fail for a {type(query).__name__}"
    )


def _swap_in_two_steps(context: PartContext, query: Swap) -> Response:
    context.begin_swap()
    try:
        old = answer(context, Load(query.address))
        if isinstance(old, Fail):
            return old
        saved = answer(context, Save(query.address, query.value))
        return saved if isinstance(saved, Fail) else old
    finally:
        context.end_swap()


def not_a_query(item: object) -> TypeError:
    """The error of sending something else to a part of a machine."""
    return TypeError(f"{item!r} is not a query; send Load, Save or Swap to a part of a machine")


def within_swap(context: PartContext, query: object) -> DeadlockError:
    """The error of a query that a part can answer only after a swap that waits for the query."""
    return DeadlockError(
        f"{context.name} cannot answer {query!r} in the middle of a Swap that waits for the answer"
    )
