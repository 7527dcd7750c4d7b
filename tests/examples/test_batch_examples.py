"""The examples that run batches."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy
import pytest

from lrvm_jit.gymnasium import GuestEnv, GuestVectorEnv
from lrvm_tools.lasm import assemble
from tests.examples.test_examples import EXAMPLES, load


def test_hash_search(capsys: pytest.CaptureFixture[str]) -> None:
    load("hash_search").main()
    assert capsys.readouterr().out == (
        "0x94ABAD5B is the hash of 123456\n"
        "0x0168B26F is the hash of 401146, 858163\n"
        "0x0BADF00D is the hash of no number\n"
    )


def hash_of(number: int) -> int:
    for _ in range(4):
        number = ((number >> 7 ^ number * number & 0xFFFF_FFFF) + 0x9E37) * 0x85EB & 0xFFFF_FFFF
    return number


def test_hash_search_finds_any_number() -> None:
    hash_search = load("hash_search")
    for number in (0, 1, 777_777, hash_search.NUMBERS - 1):
        found = hash_search.search(hash_of(number))
        assert number in found
        assert {hash_of(k) for k in found} == {hash_of(number)}


def test_grading(capsys: pytest.CaptureFixture[str]) -> None:
    load("grading").main()
    assert capsys.readouterr().out == (
        "ada: 5 of 5\n"
        "ben: 3 of 5\n"
        "    7, 0: no end after 10,000 instructions\n"
        "    3000000000, 14: no end after 10,000 instructions\n"
        "cleo: 4 of 5\n"
        "    7, 0: Division by zero, line 5\n"
        "dan: 4 of 5\n"
        "    3000000000, 14: wrong: 14 instead of 2\n"
        "eve: 0 of 5\n"
        "    12, 18: Unknown opcode 0x00, at address 0xC\n"
        "    48, 16: Unknown opcode 0x00, at address 0xC\n"
        "    7, 0: Unknown opcode 0x00, at address 0xC\n"
        "    17, 5: Unknown opcode 0x00, at address 0xC\n"
        "    3000000000, 14: Unknown opcode 0x00, at address 0xC\n"
    )


def test_grading_of_other_programs() -> None:
    """Programs of different length, and one that is its own worst enemy."""
    grading = load("grading")
    submissions = {
        "good": assemble("cpy a0, 5\nhalt"),
        "clears itself": assemble("zro a0\nzro a1\nclear: wsa a1, 0, a0\nadd a1, 4\njp clear"),
        "loop": assemble("jp 0"),
    }
    assert grading.grade(submissions, [(1, 2, 5), (3, 4, 6)]) == {
        "good": ["correct", "wrong: 5 instead of 6"],
        "clears itself": [
            "Hardware exception: The address is not writable, at address 0x8",
            "Hardware exception: The address is not writable, at address 0x8",
        ],
        "loop": ["no end after 10,000 instructions"] * 2,
    }


def test_submissions_are_what_they_say() -> None:
    names = sorted(path.stem for path in (EXAMPLES / "grading" / "submissions").iterdir())
    assert list(load("grading").read_submissions(EXAMPLES / "grading" / "submissions")) == names


@pytest.fixture(scope="module")
def game() -> ModuleType:
    return load("catch_game")


def test_catch_game(game: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    game.main(num_envs=50, steps=100)
    assert capsys.readouterr().out == (
        "stand: 43 balls caught, 457 games ended, mean return -0.9\n"
        "follow: 303 balls caught, 202 games ended, mean return 0.1\n"
        "foresee: 550 balls caught, 0 games ended, mean return none\n"
    )


def test_catch_game_is_measured(game: ModuleType) -> None:
    assert game.measure(num_envs=64, steps=3) > 0


class Model:
    """One game, in Python."""

    def __init__(self, random: int) -> None:
        self.random = random
        self.start()

    def start(self) -> None:
        self.paddle = 5
        self.caught = 0
        self.ball()

    def ball(self) -> None:
        state = self.random
        state ^= state << 13 & 0xFFFF_FFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFF_FFFF
        self.random = state
        self.x, self.y, self.dx = state % 10, 0, (state >> 8) % 3 - 1

    def step(self, action: int) -> tuple[float, bool]:
        """Reward, and whether the game is lost."""
        self.paddle = min(max(self.paddle + action - 1, 0), 9)
        if not 0 <= self.x + self.dx <= 9:
            self.dx = -self.dx
        self.x += self.dx
        self.y += 1
        if self.y < 9:
            return 0.0, False
        if self.x != self.paddle:
            return -1.0, True
        self.caught += 1
        self.ball()
        return 1.0, False

    @property
    def seen(self) -> list[int]:
        return [self.x, self.y, self.dx, self.paddle]


def test_catch_game_is_the_game(game: ModuleType) -> None:
    """Frame by frame; which ball a game begins with is the only thing that the model is told."""
    n, longest = 40, 30
    env = GuestVectorEnv(
        replace(game.GAME, max_episode_steps=longest, infos={"state": "ram[4]"}), n
    )
    seen, infos = env.reset(seed=3)
    assert seen.shape == (n, 4)
    assert seen.dtype == numpy.int32
    models = [begun(int(state)) for state in infos["state"]]
    assert seen.tolist() == [model.seen for model in models]
    assert len({tuple(row) for row in seen.tolist()}) > 10
    random = numpy.random.default_rng(4)
    over = [False] * n
    steps = [0] * n
    kinds = set()
    for _ in range(70):
        # Half of the games are played well, so that they reach the limit.
        actions = numpy.where(numpy.arange(n) % 2, game.foresee(seen), random.integers(0, 3, n))
        seen, rewards, terminations, truncations, infos = env.step(actions)
        for k in range(n):
            if over[k]:
                models[k] = begun(int(infos["state"][k]))
                steps[k] = 0
                wanted: tuple[float, bool] = (0.0, False)
            else:
                steps[k] += 1
                wanted = models[k].step(int(actions[k]))
            lost = wanted[1]
            cut = not lost and steps[k] >= longest
            over[k] = lost or cut
            kinds.add((lost, cut))
            assert (rewards[k], terminations[k], truncations[k]) == (wanted[0], lost, cut)
            assert seen[k].tolist() == models[k].seen
    assert kinds == {(False, False), (True, False), (False, True)}
    env.close()


def begun(state: int) -> Model:
    """A game whose first ball has left the random numbers in this state."""
    model = Model(1)
    model.random = state = state & 0xFFFF_FFFF
    model.x, model.dx = state % 10, (state >> 8) % 3 - 1
    return model


def test_catch_game_is_drawn(game: ModuleType) -> None:
    env = GuestEnv(game.GAME, render_mode="ansi")
    seen, _ = env.reset(seed=1)
    rows = env.render().split("\n")
    assert rows[seen[1]][seen[0]] == "o"
    assert rows[9][seen[3]] == "="
    picture = game.GAME.picture(seen)
    assert picture.shape == (80, 80, 3)
    assert picture.dtype == numpy.uint8
    assert picture[8 * 9, 8 * seen[3]].tolist() == [80, 160, 255]
