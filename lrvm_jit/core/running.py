"""The right to run: one run at a time, taken and given back whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from .signals import DeferredSignals

P = ParamSpec("P")
R = TypeVar("R")

_OWNER: Final = "owner"


class AlreadyRunningError(RuntimeError):
    """Somebody else has the right to run."""


class RightToRun:
    """Who may work on a board, a batch or a modular machine: one call at a time, in one thread.

    An exception may come between any two lines of it: from another thread, from a debugger, or
    from a signal handler that is none of ours. A lock that is acquired before a `try` would then
    be kept for ever, as would one in whose `finally` the exception comes. So the right is taken by
    one atomic step that says who has it, and given back twice: the second time sees to what an
    exception has kept the first from.
    """

    def __init__(
        self,
        refusal: str,
        *,
        signals: DeferredSignals | None = None,
        tidy: Callable[[], object] | None = None,
        begins: bool = True,
    ) -> None:
        """`refusal` says why a second call cannot begin. `signals` are deferred during a call; if
        it does not `begins` with that, what is called does, when it has to.
        `tidy` is called before it and after it, there perhaps twice, while the right is held."""
        self._refusal = refusal
        self._signals = signals
        self._tidy = tidy
        self._begins = begins
        self._holder: dict[str, object] = {}

    @property
    def is_held(self) -> bool:
        """Whether a call is in progress."""
        return _OWNER in self._holder

    def exclusively(
        self, function: Callable[P, R], /, *arguments: P.args, **keywords: P.kwargs
    ) -> R:
        """Call a function while nobody else does so here. RuntimeError if somebody does."""
        me = object()
        try:
            try:
                if self._holder.setdefault(_OWNER, me) is not me:
                    raise AlreadyRunningError(self._refusal)
                if self._tidy is not None:
                    self._tidy()
                if self._signals is not None and self._begins:
                    self._signals.begin()
                return function(*arguments, **keywords)
            finally:
                self._give_back(me)
        finally:
            self._give_back(me)

    def _give_back(self, me: object) -> None:
        if self._holder.get(_OWNER) is not me:
            return
        if self._tidy is not None:
            self._tidy()
        if self._signals is not None:
            # What waits is dealt with here, and may raise: then the second time gets further.
            self._signals.end()
        del self._holder[_OWNER]
