"""A learning environment: a thousand games at once, each in a machine of its own.

The class follows the interface of Gymnasium's vector environments (`gymnasium.vector.VectorEnv`)
and needs numpy only. The game is guest code. It halts after each frame; a step writes the actions
to registers, wakes all machines, runs them, and reads rewards in registers and observations in RAM.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from lrvm_jit.batch import Batch, LaneReason
from lrvm_jit.isa import Reg
from lrvm_tools.lasm import assemble_file

BALL_X, BALL_Y, BALL_DX, PADDLE = range(4)
"""Columns of the observations, and words of the RAM."""
RANDOM = 4
"""The word of the RAM behind them."""

LEFT, STAY, RIGHT = range(3)
"""Actions."""

SIZE = 10
"""Width and height of the field."""
FRAME = 200
"""Instructions that a frame takes at most."""

Observations = NDArray[numpy.int32]
Infos = dict[str, Any]


class CatchVectorEnv:
    """`num_envs` games of catching balls.

    Observations are (num_envs, 4) int32: the ball's place, its sideways speed, the paddle's place.
    A caught ball is a reward of 1, a missed one of -1, and ends the game: it is terminated. After
    `max_episode_steps` it is truncated. The step after that ignores the action and starts a new
    game (the mode "NextStep"). `infos["caught"]` tells of games that have ended how many balls were
    caught; where `infos["_caught"]` is False it means nothing.
    """

    metadata = {"autoreset_mode": "NextStep", "render_modes": []}  # noqa: RUF012

    def __init__(self, num_envs: int, max_episode_steps: int = 500) -> None:
        self.num_envs = num_envs
        self.max_episode_steps = max_episode_steps
        program = assemble_file(Path(__file__).with_name("catch_game.lasm"))
        self._batch = Batch(program, n=num_envs, ram_size=64)
        self._random = numpy.random.default_rng()
        self._steps = numpy.zeros(num_envs, numpy.int64)
        self._caught = numpy.zeros(num_envs, numpy.int64)
        self._ended = numpy.zeros(num_envs, numpy.bool_)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, Infos]:
        """Start all games anew. The same seed gives the same games."""
        if seed is not None:
            self._random = numpy.random.default_rng(seed)
        self._batch.ram[:, RANDOM] = self._random.integers(1, 1 << 32, self.num_envs)
        self._start(numpy.ones(self.num_envs, numpy.bool_))
        self._run()
        return self._observations(), {}

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[
        Observations, NDArray[numpy.float64], NDArray[numpy.bool_], NDArray[numpy.bool_], Infos
    ]:
        """Observations, rewards, terminations, truncations, infos."""
        actions = numpy.asarray(actions)
        if actions.shape != (self.num_envs,) or not numpy.isin(actions, (LEFT, STAY, RIGHT)).all():
            raise ValueError(f"actions must be {self.num_envs} numbers of 0, 1, 2: {actions}")
        started = self._ended
        self._batch.regs[:, Reg.A0] = actions
        self._steps += 1
        self._start(started)
        self._run()
        rewards = self._batch.regs[:, Reg.A1].astype(numpy.int32).astype(numpy.float64)
        terminations = self._batch.regs[:, Reg.A2] == 1
        truncations = ~terminations & (self._steps >= self.max_episode_steps)
        self._caught += rewards > 0
        self._ended = terminations | truncations
        infos = {"caught": self._caught.copy(), "_caught": self._ended.copy()}
        return self._observations(), rewards, terminations, truncations, infos

    def close(self) -> None:
        self._batch.close()

    def _start(self, chosen: NDArray[numpy.bool_]) -> None:
        """Let some games start at their beginning when they run next."""
        self._batch.regs[chosen, Reg.PC] = 0
        self._steps[chosen] = 0
        self._caught[chosen] = 0
        self._ended = self._ended & ~chosen

    def _run(self) -> None:
        """Run all games until they have shown a frame."""
        self._batch.lanes.halted[:] = 0
        result = self._batch.run(max_cycles=FRAME)
        if (result.reason != LaneReason.HALTED).any():
            raise RuntimeError(f"there are games that have not shown their frame: {result}")

    def _observations(self) -> Observations:
        return self._batch.ram[:, :RANDOM].astype(numpy.int32)


def stand(seen: Observations) -> NDArray[numpy.int64]:
    """A policy, to compare others with."""
    return numpy.full(len(seen), STAY)


def follow(seen: Observations) -> NDArray[numpy.int64]:
    """Go to where the ball will be next."""
    distance = seen[:, BALL_X] + seen[:, BALL_DX] - seen[:, PADDLE]
    return numpy.sign(distance) + STAY


def foresee(seen: Observations) -> NDArray[numpy.int64]:
    """Go to where the ball will land."""
    frames = SIZE - 1 - seen[:, BALL_Y]
    straight = (seen[:, BALL_X] + frames * seen[:, BALL_DX]) % (2 * SIZE - 2)
    landing = numpy.minimum(straight, 2 * SIZE - 2 - straight)  # as the walls reflect it
    return numpy.sign(landing - seen[:, PADDLE]) + STAY


def main(num_envs: int = 1000, steps: int = 500) -> None:
    for policy in (stand, follow, foresee):
        env = CatchVectorEnv(num_envs)
        seen, _ = env.reset(seed=1)
        caught, lost, score = 0, 0, 0.0
        for _ in range(steps):
            seen, rewards, terminations, _, _ = env.step(policy(seen))
            caught += (rewards > 0).sum()
            lost += terminations.sum()
            score += rewards.sum()
        env.close()
        print(
            f"{policy.__name__}: {caught:,} balls caught, {lost:,} games lost, score {score:,.0f}"
        )


if __name__ == "__main__":
    main()
