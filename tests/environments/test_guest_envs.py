"""Environments of Gymnasium over guest programs: against its own vector environment and checks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gymnasium
import numpy
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers.vector import (
    ClipReward,
    DictInfoToList,
    FlattenObservation,
    NormalizeObservation,
    NormalizeReward,
    RecordEpisodeStatistics,
    TransformObservation,
)

from lrvm_jit.gymnasium import Game, GameError, GuestEnv, GuestVectorEnv
from lrvm_tools import assemble

SOURCE = """
    ; A walk that begins at the random word modulo 3 and ends at 3 or more; observation and reward
    ; have the place minus 2 as well, which is below 0 in the beginning.
    cpy ac0, 0x1000
    lsa a3, ac0, 8
    mod a3, 3, DIV_USG
    wsa ac0, 0, a3
    sub a3, 2
    wsa ac0, 4, a3
shown:
    halt
    inc c0                  ; steps of this game
    lsa a3, ac0, 0
    add a3, a0              ; the action: 0, 1 or 2
    wsa ac0, 0, a3
    cpy a1, a3
    sub a1, 2
    wsa ac0, 4, a1
    cmp a3, 3
    ifge
    cpy a2, 1
    jp shown
"""
GAME = Game(
    program=assemble(SOURCE),
    observation_space=spaces.Box(-2, 100, (2,), numpy.int32),
    action_space=spaces.Discrete(3),
    observation="ram[0:2]",
    seed="ram[2]",
    max_episode_steps=4,
    frame_cycles=50,
    ram_size=64,
    infos={"steps": "c0"},
    text=lambda seen: f"at {seen[0]}",
    picture=lambda seen: numpy.full((2, 2, 3), seen[0] + 1, numpy.uint8),
    fps=7,
)
N = 12


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_like_as_many_single_games(mode: AutoresetMode) -> None:
    """Gymnasium's own vector environment, of single games, says the same in every step."""
    ours = GuestVectorEnv(GAME, N, autoreset_mode=mode, threads=2)
    theirs = SyncVectorEnv([lambda: GuestEnv(GAME)] * N, autoreset_mode=mode)
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    assert ours.metadata == theirs.metadata
    same(ours.reset(seed=5), theirs.reset(seed=5))
    actions = numpy.random.default_rng(1)
    kinds = set()
    for _ in range(14):
        given = actions.integers(0, 3, N)
        found, wanted = ours.step(given), theirs.step(given)
        same(found, wanted)
        kinds |= set(zip(found[2].tolist(), found[3].tolist(), strict=True))
    assert kinds == {(False, False), (True, False), (False, True)}
    ours.close()
    theirs.close()


def same(found: Any, wanted: Any) -> None:
    if isinstance(wanted, dict):
        assert set(found) == set(wanted)
        for name in wanted:
            same(found[name], wanted[name])
    elif isinstance(wanted, tuple):
        for one, other in zip(found, wanted, strict=True):
            same(one, other)
    else:
        assert found.dtype == wanted.dtype or {found.dtype.kind, wanted.dtype.kind} <= {"i"}
        if wanted.dtype == object:
            assert [None if row is None else row.tolist() for row in found] == [
                None if row is None else row.tolist() for row in wanted
            ]
        else:
            assert found.tolist() == wanted.tolist()


def test_games_that_are_started_by_hand() -> None:
    """Autoreset DISABLED: the others stay where they are, and a step without a reset is refused."""
    env = GuestVectorEnv(GAME, N, autoreset_mode="Disabled")
    env.reset(seed=2)
    ended = numpy.zeros(N, numpy.bool_)
    while not ended.any():
        seen, _, terminated, truncated, _ = env.step(numpy.arange(N) % 3)
        ended = terminated | truncated
    assert not ended.all()
    with pytest.raises(ValueError, match=r"has ended.*reset_mask"):
        env.step(numpy.zeros(N, int))
    again, infos = env.reset(options={"reset_mask": ended})
    assert (again[~ended] == seen[~ended]).all()
    assert infos["_steps"].tolist() == ended.tolist()
    assert (infos["steps"][ended] == 0).all()
    env.step(numpy.zeros(N, int))


def test_seeds() -> None:
    """The same seed gives the same games, one after the other; without one they go on."""
    env = GuestVectorEnv(GAME, 64)
    first = env.reset(seed=7)[0]
    second = env.reset()[0]
    assert (first != second).any()
    assert (env.reset(seed=7)[0] == first).all()
    assert (env.reset()[0] == second).all()
    seed: Any = numpy.int64(7)
    assert (env.reset(seed=seed)[0] == first).all()
    assert (env.reset(seed=[7 + k for k in range(64)])[0] == first).all()
    assert {row[0] for row in first.tolist()} == {0, 1, 2}
    one = GuestEnv(GAME)
    assert one.reset(seed=7 + 5)[0].tolist() == first[5].tolist()


def test_observations_without_a_copy() -> None:
    env = GuestVectorEnv(GAME, 3, copy=False)
    seen, _ = env.reset(seed=1)
    before = seen.copy()
    after = env.step(numpy.full(3, 2))[0]
    assert numpy.shares_memory(seen, after)
    assert (seen[:, 0] == before[:, 0] + 2).all()
    copied = GuestVectorEnv(GAME, 3)
    assert not numpy.shares_memory(copied.reset(seed=1)[0], copied.step(numpy.zeros(3, int))[0])


def test_the_check_of_single_environments(registered: str) -> None:
    env = gymnasium.make(registered, render_mode="ansi", disable_env_checker=True)
    check_env(env.unwrapped)


@pytest.fixture
def registered() -> Iterator[str]:
    """The game's name in Gymnasium's registry."""
    name = "lrvm-test/Walk-v0"
    gymnasium.register(
        name,
        entry_point=lambda **options: GuestEnv(GAME, **options),
        vector_entry_point=lambda **options: GuestVectorEnv(GAME, **options),
    )
    yield name
    del gymnasium.registry[name]


WRAPPERS = [
    RecordEpisodeStatistics,
    DictInfoToList,
    FlattenObservation,
    NormalizeObservation,
    NormalizeReward,
    lambda env: ClipReward(env, -1, 1),
    lambda env: TransformObservation(env, lambda seen: seen * 2),
]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers(wrapper: Any) -> None:
    env = wrapper(GuestVectorEnv(GAME, 5))
    env.reset(seed=1)
    for _ in range(8):
        seen = env.step(env.action_space.sample())[0]
        assert len(seen) == 5
    env.close()


def test_actions_of_several_words() -> None:
    """Actions of several words."""
    space = spaces.Box(0, 2, (2,), numpy.int32)
    env = GuestVectorEnv(replace(GAME, action_space=space, action="ram[4:6]"), 3)
    env.reset(seed=1)
    env.step(numpy.array([[0, 1], [2, 2], [1, 0]], numpy.int32))
    assert env.step(numpy.zeros((3, 2), numpy.int32))[1].tolist() == [-2, -2, -2]


def test_making_by_name(registered: str) -> None:
    env = gymnasium.make_vec(registered, 6, vectorization_mode="vector_entry_point")
    assert env.reset(seed=1)[0].shape == (6, 2)
    single = gymnasium.make(registered, render_mode="ansi")
    single.reset(seed=1)
    assert single.render() in ("at 0", "at 1", "at 2")


def test_render() -> None:
    env = GuestVectorEnv(GAME, 2, render_mode="rgb_array")
    seen, _ = env.reset(seed=1)
    frames = env.render()
    assert frames is not None
    assert [frame[0, 0, 0] - 1 for frame in frames] == seen[:, 0].tolist()
    assert GuestVectorEnv(GAME, 2).render() is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"observation": "ram[0:3]"}, r"observation is 'ram\[0:3\]', which is 3 words, but 2 are"),
        ({"seed": "ram[16]"}, r"seed is 'ram\[16\]', but a game has 16 words of RAM"),
        ({"reward": "cycles"}, "reward is 'cycles'; it must be a register"),
        ({"reward": "b1"}, "there is no output 'b1'"),
        ({"observation_space": spaces.Text(3)}, "observation space is Text"),
        ({"action_space": spaces.Box(0, 1)}, "a Box of whole numbers"),
    ],
)
def test_games_that_cannot_be(change: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        GuestVectorEnv(replace(GAME, **change), 2)


@pytest.mark.parametrize("actions", [[1], [0, 3], [0, -1], [0, 0.5]])
def test_bad_actions(actions: list[float]) -> None:
    env = GuestVectorEnv(GAME, 2)
    env.reset(seed=1)
    with pytest.raises(ValueError, match="action"):
        env.step(numpy.array(actions))


def test_bad_uses() -> None:
    env = GuestVectorEnv(GAME, 2)
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(numpy.zeros(2, int))
    mask = numpy.array([True, False])
    with pytest.raises(ValueError, match="the first reset must start all games"):
        env.reset(options={"reset_mask": mask})
    env.reset(seed=1)
    for wrong in (mask[:1], ~(mask | True)):
        with pytest.raises(ValueError, match="reset_mask"):
            env.reset(options={"reset_mask": wrong})
    with pytest.raises(TypeError, match="reset_mask"):
        env.reset(options={"reset_mask": [True, False]})
    with pytest.raises(gymnasium.error.Error, match="Seed must be greater or equal to zero"):
        env.reset(seed=-1)
    with pytest.raises(ValueError, match="seed is -1"):
        env.reset(seed=[0, -1])
    with pytest.raises(ValueError, match="3 seeds for 2 games"):
        env.reset(seed=[1, 2, 3])
    with pytest.raises(ValueError, match="no render mode 'human'; the game has ansi, rgb_array"):
        GuestEnv(GAME, render_mode="human")


def test_games_that_fail() -> None:
    endless = replace(GAME, program=assemble("halt\nagain: jp again"))
    env = GuestVectorEnv(endless, 7)
    env.reset(seed=1)
    with pytest.raises(GameError, match=r"game 0 has not executed HALT within 50 .*; 2 more"):
        env.step(numpy.zeros(7, int))
    broken = GuestVectorEnv(replace(GAME, program=assemble("halt\ndiv a0, 0")), 1)
    broken.reset()
    with pytest.raises(GameError, match=r"game 0 raised an exception: Division by zero, at addr"):
        broken.step(numpy.zeros(1, int))


def test_without_gymnasium() -> None:
    """The error names the extra."""
    code = "import sys; sys.modules['gymnasium'] = None; import lrvm_jit.gymnasium"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'lrvm-jit[gymnasium]'" in done.stderr
