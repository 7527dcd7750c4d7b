"""One game: Gymnasium's environment."""

from __future__ import annotations

from typing import Any

import numpy
from gymnasium import Env

from ..arguments import optional_number
from .game import Game
from .games import Games
from .vector_env import seed_of

_ONE = numpy.ones(1, numpy.bool_)


class GuestEnv(Env[Any, Any]):
    """A game in a machine of its own. `reset(seed=...)` gives the same games again; without a seed
    each reset starts another one. Errors as for `GuestVectorEnv`."""

    def __init__(self, game: Game, *, render_mode: str | None = None) -> None:
        game.check_mode(render_mode)
        self.game = game
        self.metadata = game.metadata
        self.render_mode = render_mode
        self.observation_space = game.observation_space
        self.action_space = game.action_space
        self._games = Games(game, 1, 1)
        self._is_started = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start a game. `options` has none."""
        seed = optional_number("seed", seed, 0)
        super().reset(seed=seed)
        if seed is not None:
            self._games.seed(_ONE, numpy.array([seed_of(seed, 0)], numpy.uint64))
        elif not self._is_started:
            self._games.seed(_ONE, self.np_random.integers(0, 1 << 64, 1, numpy.uint64))
        self._games.prepare(_ONE)
        self._games.run()
        self._is_started = True
        return self._observation(), self._infos()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Give the game its action and run it to its next frame. ValueError for what is none."""
        if not self._is_started:
            raise RuntimeError("call reset() before the first step()")
        games = self._games
        games.act(numpy.asarray(action)[None])
        games.steps += 1
        games.run()
        ended, cut = bool(games.terminated[0]), bool(games.truncated[0])
        return self._observation(), float(games.rewards[0]), ended, cut, self._infos()

    def render(self) -> Any:
        """A frame in `render_mode`: a string, or an (height, width, 3) uint8 array."""
        return self.game.draw(self.render_mode, self._observation())

    def close(self) -> None:
        """Release the machine."""
        self._games.close()

    def _observation(self) -> Any:
        seen = self._games.observations[0]
        return seen.copy() if isinstance(seen, numpy.ndarray) else seen

    def _infos(self) -> dict[str, Any]:
        return {name: rows[0] for name, rows in self._games.infos().items()}
