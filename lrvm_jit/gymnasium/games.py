"""A batch whose lanes play a game."""

from __future__ import annotations

from typing import Any, Final

import numpy
from gymnasium import Space, spaces
from numpy.typing import NDArray

from ..batch.batch import Batch
from ..batch.result import BatchResult, LaneReason
from ..isa.table import WORD_MASK
from ..stream.fields import Field, parse_field
from .game import Game, GameError

Mask = NDArray[numpy.bool_]
Words = NDArray[numpy.uint32]
_ODD: Final = numpy.uint64(0x9E37_79B9_7F4A_7C15)
_SHOWN: Final = 5


class Games:
    """`n` games, started and played a frame at a time. `observations` are what they show, (n, ...);
    without a copy where the layout allows it."""

    def __init__(self, game: Game, n: int, threads: int | None) -> None:
        """TypeError, ValueError for spaces and places that cannot be."""
        self.game = game
        self.n = n
        self._batch = Batch(game.program, n, ram_size=game.ram_size, threads=threads)
        self._action = _Place(self._batch, "action", game.action)
        self._reward = _Place(self._batch, "reward", game.reward)
        self._terminated = _Place(self._batch, "terminated", game.terminated)
        self._truncated = (
            None if game.truncated is None else _Place(self._batch, "truncated", game.truncated)
        )
        self._seed = None if game.seed is None else _Place(self._batch, "seed", game.seed)
        self._infos = {
            name: _Place(self._batch, f"infos[{name!r}]", place)
            for name, place in game.infos.items()
        }
        self._action_shape = _action_shape(game.action_space)
        self._action.check(self._action_shape)
        for place in (self._reward, self._terminated, self._truncated, self._seed):
            if place is not None:
                place.check(())
        self._seen = _Place(self._batch, "observation", game.observation)
        self._type, self._shape = _observation_kind(game.observation_space)
        self._seen.check(self._shape)
        self._seeds: NDArray[numpy.uint64] = numpy.zeros(n, numpy.uint64)
        self._episodes: NDArray[numpy.uint64] = numpy.zeros(n, numpy.uint64)
        self.steps: NDArray[numpy.int64] = numpy.zeros(n, numpy.int64)
        """Steps of each game since it was started."""
        self._everybody: Mask = numpy.ones(n, numpy.bool_)

    # --- starting ------------------------------------------------------------------------------

    def seed(self, chosen: Mask, seeds: NDArray[numpy.uint64]) -> None:
        """The next games of these lanes are the first ones of their seeds, (n,)."""
        self._seeds[chosen] = seeds[chosen]
        self._episodes[chosen] = 0

    def prepare(self, chosen: Mask) -> None:
        """Let games start at their beginning when they run next."""
        lanes = numpy.flatnonzero(chosen)
        self._batch.reset(lanes)
        self.steps[lanes] = 0
        if self._seed is not None:
            words = _random_words(self._seeds[lanes], self._episodes[lanes])
            self._seed.rows[lanes] = words.reshape(-1, *self._seed.rows.shape[1:])
        self._episodes[lanes] += numpy.uint64(1)

    # --- playing -------------------------------------------------------------------------------

    def act(self, actions: object) -> None:
        """Give the games their actions. ValueError for what is none."""
        array = numpy.asarray(actions)
        space = self.game.action_space
        shape = (self.n, *self._action_shape)
        if array.shape != shape or array.dtype.kind not in "iub":
            raise ValueError(
                f"actions have shape {array.shape} and dtype {array.dtype}; wanted whole numbers "
                f"of shape {shape}, of {space}"
            )
        low, high = _action_limits(space)
        wrong = (array < low) | (array > high)
        if wrong.any():
            at = numpy.argwhere(wrong)[0]
            raise ValueError(
                f"the action of game {at[0]} is {array[tuple(at)]}, which is not in {space}"
            )
        rows = self._action.rows
        rows[...] = array.reshape(rows.shape)

    def run(self, chosen: Mask | None = None) -> None:
        """Run games, all or those that are chosen, until they have shown a frame. GameError if one
        does not; KeyboardInterrupt if the run was interrupted."""
        chosen = self._everybody if chosen is None else chosen
        self._batch.lanes.halted[chosen] = 0
        result = self._batch.run(self.game.frame_cycles, halt_on_exception=True)
        if result.interrupted:
            raise KeyboardInterrupt
        failed = numpy.flatnonzero(result.reason != LaneReason.HALTED)
        if len(failed):
            raise GameError(self._complaint(result, failed))

    def _complaint(self, result: BatchResult, failed: NDArray[numpy.intp]) -> str:
        said = []
        for lane in failed[:_SHOWN].tolist():
            exception = result.exception_of(lane)
            where = f"at address 0x{result.address[lane]:X}"
            if exception is None:
                said.append(
                    f"game {lane} has not executed HALT within {self.game.frame_cycles:,} "
                    f"instructions (frame_cycles) and was {where}"
                )
            else:
                said.append(f"game {lane} raised an exception: {exception}, {where}")
        more = f"; {len(failed) - _SHOWN:,} more" if len(failed) > _SHOWN else ""
        return "; ".join(said) + more

    # --- results -------------------------------------------------------------------------------

    @property
    def observations(self) -> NDArray[Any]:
        """(n, ...): the words themselves where the space's type allows it, else a copy."""
        seen = self._seen.rows.view(_word_type(self._type)).reshape(self.n, *self._shape)
        return seen if seen.dtype == self._type else seen.astype(self._type)

    @property
    def rewards(self) -> NDArray[numpy.float64]:
        """(n,) float64."""
        return self._reward.signed().astype(numpy.float64) * self.game.reward_scale

    @property
    def terminated(self) -> Mask:
        """(n,): games that have ended."""
        return numpy.asarray(self._terminated.rows.reshape(self.n) != 0)

    @property
    def truncated(self) -> Mask:
        """(n,): games that have been cut off, and had not ended."""
        found = numpy.zeros(self.n, numpy.bool_)
        if self._truncated is not None:
            found |= self._truncated.rows.reshape(self.n) != 0
        if self.game.max_episode_steps is not None:
            found |= self.steps >= self.game.max_episode_steps
        return found & ~self.terminated

    def infos(self) -> dict[str, NDArray[Any]]:
        """The words of `infos`, signed: (n,) or (n, words) each, copied."""
        return {name: place.signed() for name, place in self._infos.items()}

    def close(self) -> None:
        self._batch.close()


class _Place:
    """Words of each lane that have a meaning in the game. `rows` is a view: (n,) or (n, words)."""

    def __init__(self, batch: Batch, use: str, name: str) -> None:
        """ValueError for a name of nothing."""
        self._batch = batch
        self._use = use
        self._name = name
        self._place: Field = parse_field(name, output=True)
        if self._place.register is None and not self._place.is_ram:
            raise ValueError(
                f"{use} is {name!r}; it must be a register such as 'a0', or words of RAM such as "
                "'ram[5]' or 'ram[0:4]'"
            )
        if self._place.is_ram:
            size = batch.ram.shape[1]
            if max(self._place.last or 0, self._place.first + 1) > size:
                raise ValueError(
                    f"{use} is {name!r}, but a game has {size} words of RAM; pass a larger "
                    "ram_size, in bytes"
                )

    @property
    def rows(self) -> Words:
        # Asked for each time: where lanes have their memory is the batch's affair.
        place = self._place
        if place.register is not None:
            return self._batch.regs[:, place.register]
        if place.rank == 1:
            return self._batch.ram[:, place.first]
        return self._batch.ram[:, place.first : place.last]

    def check(self, shape: tuple[int, ...]) -> None:
        """ValueError unless there is a word for each element of an array of this shape."""
        wanted = int(numpy.prod(shape, dtype=numpy.int64))
        words = int(numpy.prod(self.rows.shape[1:], dtype=numpy.int64))
        if words != wanted:
            raise ValueError(
                f"{self._use} is {self._name!r}, which is {words} words, but {wanted} are needed"
            )

    def signed(self) -> NDArray[numpy.int32]:
        return self.rows.view(numpy.int32).copy()


def _observation_kind(space: Space[Any]) -> tuple[numpy.dtype[Any], tuple[int, ...]]:
    if isinstance(space, spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary):
        assert space.dtype is not None
        assert space.shape is not None
        return numpy.dtype(space.dtype), space.shape
    raise TypeError(
        f"the observation space is {space}; it must be Box, Discrete, MultiDiscrete or MultiBinary"
    )


def _word_type(kind: numpy.dtype[Any]) -> type[numpy.generic]:
    """What an element is as a word of the machine."""
    unsigned = kind.kind in "ub" and kind != numpy.int8
    return numpy.uint32 if unsigned else numpy.int32


def _action_shape(space: Space[Any]) -> tuple[int, ...]:
    known = spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary | spaces.Box
    if not isinstance(space, known) or numpy.dtype(space.dtype).kind not in "iub":
        raise TypeError(
            f"the action space is {space}; it must be Discrete, MultiDiscrete, MultiBinary, or a "
            "Box of whole numbers"
        )
    assert space.shape is not None
    return space.shape


def _action_limits(space: Space[Any]) -> tuple[Any, Any]:
    if isinstance(space, spaces.Discrete):
        return space.start, space.start + space.n - 1
    if isinstance(space, spaces.MultiDiscrete):
        return space.start, space.start + space.nvec - 1
    if isinstance(space, spaces.Box):
        return space.low, space.high
    return 0, 1


def _random_words(seeds: NDArray[numpy.uint64], numbers: NDArray[numpy.uint64]) -> Words:
    """A word for each seed and number of its game, never 0: the finalizer of SplitMix64, twice."""
    words = seeds
    for salt in (numpy.uint64(1), numbers + numpy.uint64(2)):
        words = (words + salt) * _ODD
        words = (words ^ words >> numpy.uint64(30)) * numpy.uint64(0xBF58_476D_1CE4_E5B9)
        words = (words ^ words >> numpy.uint64(27)) * numpy.uint64(0x94D0_49BB_1331_11EB)
        words = words ^ words >> numpy.uint64(31)
    return (words % numpy.uint64(WORD_MASK) + numpy.uint64(1)).astype(numpy.uint32)
