"""A learning environment: a thousand games at once, each in a machine of its own.

The game is guest code, which halts after each frame. `GAME` says where actions, observations and
rewards are; `lrvm_jit.gymnasium` makes an environment of Gymnasium of it, for one game or for
thousands, with which its wrappers and learners work. Needs `pip install 'lrvm-jit[gymnasium]'`.

    python examples/catch_game/catch_game.py           # three policies, a thousand games
    python examples/catch_game/catch_game.py --speed   # steps a second, 4,096 games
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy
from gymnasium import spaces
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from numpy.typing import NDArray

from lrvm_jit.gymnasium import Game, GuestVectorEnv
from lrvm_tools.lasm import assemble_file

BALL_X, BALL_Y, BALL_DX, PADDLE = range(4)
"""Elements of an observation, and words of the RAM."""

LEFT, STAY, RIGHT = range(3)
"""Actions."""

SIZE = 10
"""Width and height of the field."""

Observations = NDArray[numpy.int32]


def text_of(seen: Observations) -> str:
    """The field as text: `o` is the ball, `=` the paddle."""
    field = [["."] * SIZE for _ in range(SIZE)]
    field[SIZE - 1][seen[PADDLE]] = "="
    field[seen[BALL_Y]][seen[BALL_X]] = "o"
    return "\n".join(map("".join, field))


def picture_of(seen: Observations) -> NDArray[numpy.uint8]:
    """The field as an image, (80, 80, 3) uint8."""
    field = numpy.zeros((SIZE, SIZE, 3), numpy.uint8)
    field[SIZE - 1, seen[PADDLE]] = (80, 160, 255)
    field[seen[BALL_Y], seen[BALL_X]] = (255, 220, 80)
    return field.repeat(8, axis=0).repeat(8, axis=1)


GAME = Game(
    program=assemble_file(Path(__file__).with_name("catch_game.lasm")),
    observation_space=spaces.Box(
        numpy.array([0, 0, -1, 0]), numpy.array([9, 9, 1, 9]), dtype=numpy.int32
    ),
    action_space=spaces.Discrete(3),
    observation="ram[0:4]",
    action="a0",
    reward="a1",
    terminated="a2",
    seed="ram[4]",
    max_episode_steps=500,
    frame_cycles=200,
    ram_size=64,
    text=text_of,
    picture=picture_of,
)
"""A caught ball is a reward of 1, a missed one of -1, and ends the game."""


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
        env = RecordEpisodeStatistics(GuestVectorEnv(GAME, num_envs))
        seen, _ = env.reset(seed=1)
        caught, returns = 0, []
        for _ in range(steps):
            seen, rewards, _, _, infos = env.step(policy(seen))
            caught += (rewards > 0).sum()
            if "episode" in infos:
                returns += infos["episode"]["r"][infos["_episode"]].tolist()
        env.close()
        mean = f"{numpy.mean(returns):.1f}" if returns else "none"
        print(
            f"{policy.__name__}: {caught:,} balls caught, {len(returns):,} games ended, mean "
            f"return {mean}"
        )


def measure(num_envs: int = 4096, steps: int = 1000, **options: Any) -> float:
    """Steps a second of all games together, with actions that are there already."""
    env = GuestVectorEnv(GAME, num_envs, copy=False, **options)
    env.reset(seed=1)
    actions = numpy.random.default_rng(1).integers(0, 3, (16, num_envs))
    for k in range(16):
        env.step(actions[k])
    begin = time.perf_counter()
    for k in range(steps):
        env.step(actions[k % 16])
    seconds = time.perf_counter() - begin
    env.close()
    return num_envs * steps / seconds


if __name__ == "__main__":
    if "--speed" in sys.argv:
        print(f"{measure() / 1e6:.1f} million steps a second")
    else:
        main()
