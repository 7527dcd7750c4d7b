"""Thousands of games at once: Gymnasium's vector environment over a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from ..arguments import number_within, optional_number, whole_number
from .game import Game
from .games import Games, Mask

Step = tuple[
    NDArray[Any],
    NDArray[numpy.float64],
    NDArray[numpy.bool_],
    NDArray[numpy.bool_],
    dict[str, Any],
]
_SEED_BITS = 64


class GuestVectorEnv(VectorEnv[NDArray[Any], NDArray[Any], NDArray[Any]]):
    """`num_envs` games in the lanes of a batch.

    `autoreset_mode`: with NEXT_STEP the step after a game's end ignores its action and starts the
    next one; with SAME_STEP the step that ends a game starts the next one, and `infos["final_obs"]`
    has what the old one showed last; with DISABLED ended games must be started by
    `reset(options={"reset_mask": mask})`.

    Without `copy` the observations are the games' memory, where the layout allows it: they change
    with the next step. `threads` as for `Batch`. Game `i` after `reset(seed=s)` is that of a
    `GuestEnv` after `reset(seed=s + i)`.
    """

    def __init__(
        self,
        game: Game,
        num_envs: int = 1,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        copy: bool = True,
        threads: int | None = None,
    ) -> None:
        num_envs = number_within("num_envs", num_envs, 1)
        game.check_mode(render_mode)
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**game.metadata, "autoreset_mode": self.autoreset_mode}
        self.render_mode = render_mode
        self.num_envs = num_envs
        self.single_observation_space = game.observation_space
        self.single_action_space = game.action_space
        self.observation_space = batch_space(game.observation_space, num_envs)
        self.action_space = batch_space(game.action_space, num_envs)
        self.game = game
        self._copy = copy
        self._games = Games(game, num_envs, optional_number("threads", threads, 1))
        self._ended: Mask = numpy.zeros(num_envs, numpy.bool_)
        self._is_started = False

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Start all games anew, or those of `options["reset_mask"]`, (num_envs,) bool.

        A number as the seed gives game `i` the seed `seed + i`; a sequence has one for each game,
        or None. Without seeds games go on to others of their seeds.
        """
        if seed is not None and not isinstance(seed, Sequence | numpy.ndarray):
            seed = whole_number("seed", seed)
        super().reset(seed=seed if isinstance(seed, int) else None)
        chosen = self._mask(options)
        if not self._is_started and not chosen.all():
            raise ValueError("the first reset must start all games: leave out 'reset_mask'")
        self._seed(seed, chosen)
        self._games.prepare(chosen)
        self._games.run(chosen)
        self._ended[chosen] = False
        self._is_started = True
        return self._observations(), self._infos(chosen)

    def step(self, actions: NDArray[Any]) -> Step:
        """Give each game its action and run it to its next frame. ValueError for what is no
        action, or with autoreset DISABLED for games that have ended."""
        if not self._is_started:
            raise RuntimeError("call reset() before the first step()")
        games = self._games
        started = self._ended
        if self.autoreset_mode is AutoresetMode.DISABLED and started.any():
            raise ValueError(
                f"game {numpy.flatnonzero(started)[0]} has ended, and {started.sum()} in all; "
                "start them with reset(options={'reset_mask': ...}) before the next step"
            )
        games.act(actions)
        if started.any():
            games.prepare(started)
        games.steps[~started] += 1
        games.run()
        rewards, terminated, truncated = games.rewards, games.terminated, games.truncated
        if started.any():
            rewards[started] = 0
            terminated &= ~started
            truncated &= ~started
        ended = terminated | truncated
        infos = self._infos(None)
        if self.autoreset_mode is AutoresetMode.SAME_STEP and ended.any():
            infos = self._start_again(ended, infos)
            ended = numpy.zeros(self.num_envs, numpy.bool_)
        self._ended = ended
        return self._observations(), rewards, terminated, truncated, infos

    def _start_again(self, ended: Mask, infos: dict[str, Any]) -> dict[str, Any]:
        """Start the games that have ended; what they showed last goes to the new infos."""
        final = numpy.full(self.num_envs, None, object)
        seen = self._games.observations
        for lane in numpy.flatnonzero(ended).tolist():
            final[lane] = numpy.array(seen[lane])
        self._games.prepare(ended)
        self._games.run(ended)
        last: dict[str, Any] = {}
        for name in self.game.infos:
            last[name] = infos[name]
            last[name][~ended] = 0
            last[f"_{name}"] = ended.copy()
        return {
            **self._infos(None),
            "final_obs": final,
            "_final_obs": ended.copy(),
            "final_info": last,
            "_final_info": ended.copy(),
        }

    def render(self) -> tuple[Any, ...] | None:
        """A frame of each game in `render_mode`: strings, or (height, width, 3) uint8 arrays."""
        if self.render_mode is None:
            return None
        return tuple(self.game.draw(self.render_mode, seen) for seen in self._games.observations)

    def close_extras(self, **kwargs: Any) -> None:
        """Called by `close`."""
        self._games.close()

    def _observations(self) -> NDArray[Any]:
        seen = self._games.observations
        return seen.copy() if self._copy else seen

    def _infos(self, chosen: Mask | None) -> dict[str, Any]:
        """The game's own words, each with a mask of the games for which it counts."""
        if chosen is None:
            chosen = numpy.ones(self.num_envs, numpy.bool_)
        infos: dict[str, Any] = {}
        for name, rows in self._games.infos().items():
            infos[name] = rows
            infos[f"_{name}"] = chosen.copy()
        return infos

    def _mask(self, options: dict[str, Any] | None) -> Mask:
        mask = (options or {}).get("reset_mask")
        if mask is None:
            return numpy.ones(self.num_envs, numpy.bool_)
        if not isinstance(mask, numpy.ndarray) or mask.dtype != numpy.bool_:
            raise TypeError("options['reset_mask'] must be a numpy array of truth values")
        if mask.shape != (self.num_envs,):
            raise ValueError(
                f"options['reset_mask'] has shape {mask.shape}; wanted ({self.num_envs},)"
            )
        if not mask.any():
            raise ValueError("options['reset_mask'] chooses no game; choose one or more")
        return mask

    def _seed(self, seed: int | Sequence[int | None] | None, chosen: Mask) -> None:
        n = self.num_envs
        if seed is None:
            if not self._is_started:
                fresh = self.np_random.integers(0, 1 << 64, n, numpy.uint64)
                self._games.seed(chosen, fresh)
            return
        given = [seed_of(seed, i) for i in range(n)] if isinstance(seed, int) else list(seed)
        if len(given) != n:
            raise ValueError(f"there are {len(given)} seeds for {n} games")
        numbers = numpy.zeros(n, numpy.uint64)
        known = numpy.zeros(n, numpy.bool_)
        for lane, value in enumerate(given):
            if value is not None:
                numbers[lane], known[lane] = seed_of(value, 0), True
        if not self._is_started:
            fresh = self.np_random.integers(0, 1 << 64, n, numpy.uint64)
            self._games.seed(chosen & ~known, fresh)
        self._games.seed(chosen & known, numbers)


def seed_of(seed: int, number: int) -> int:
    """The seed of a game among several that have been given one number. ValueError, TypeError for
    what is no seed."""
    value = whole_number("seed", seed)
    if value < 0:
        raise ValueError(f"seed is {value}; it must be 0 or more")
    return (value + number) % (1 << _SEED_BITS)
