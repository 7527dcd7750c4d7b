"""What a guest program must say about itself to be an environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy
from gymnasium import Space
from numpy.typing import NDArray

from ..arguments import number_within, optional_number
from ..batch.template import LinkedProgram
from ..machine.motherboard import Motherboard


class GameError(RuntimeError):
    """A game that did not end its frame with HALT: it ran too long, or raised an exception."""


@dataclass(frozen=True, kw_only=True)
class Game:
    """A guest program that plays a game, one frame at a time.

    The program starts as after a reset, sets the game up and executes HALT. For each step the host
    writes the action, wakes the machine behind its HALT, and reads observation, reward and ends
    when the program halts again. Places are named as in streams: a register such as `"a0"`, or
    words of RAM, `"ram[5]"`, `"ram[0:4]"`.

    - `program`: words, a template board, or an executable, as for `Batch`; `ram_size` in bytes.
    - `observation_space`, `action_space`: of one game. An observation is a Box or Discrete space,
      with a word for each element; words are signed where the space is. An action is a Discrete,
      MultiDiscrete, MultiBinary or Box space of whole numbers.
    - `observation`, `action`: where they are.
    - `reward`: a signed word, times `reward_scale`. `terminated`, `truncated`: words that are not 0
      when the game has ended, or has been cut off.
    - `seed`: gets a random word, never 0, before a game starts.
    - `max_episode_steps`: a game is truncated after so many steps.
    - `frame_cycles`: instructions that a frame takes at most; a game that takes more is a
      GameError.
    - `infos`: further places by name, of which `infos` tells the (signed) words.
    - `text`, `picture`: functions from a game's observation to a string, and to an (height, width,
      3) uint8 array, for the render modes `"ansi"` and `"rgb_array"`; `fps` frames a second.
    """

    program: Motherboard | LinkedProgram | Sequence[int] | NDArray[Any]
    observation_space: Space[Any]
    action_space: Space[Any]
    observation: str
    action: str = "a0"
    reward: str = "a1"
    terminated: str = "a2"
    truncated: str | None = None
    seed: str | None = None
    reward_scale: float = 1.0
    max_episode_steps: int | None = None
    frame_cycles: int = 1_000_000
    ram_size: int | None = None
    infos: Mapping[str, str] = field(default_factory=dict)
    text: Callable[[Any], str] | None = None
    picture: Callable[[Any], NDArray[numpy.uint8]] | None = None
    fps: int = 30

    def __post_init__(self) -> None:
        for name, value in (
            ("frame_cycles", number_within("frame_cycles", self.frame_cycles, 1)),
            ("fps", number_within("fps", self.fps, 1)),
            ("max_episode_steps", optional_number("max_episode_steps", self.max_episode_steps, 1)),
            ("ram_size", optional_number("ram_size", self.ram_size, 0)),
        ):
            object.__setattr__(self, name, value)

    @property
    def metadata(self) -> dict[str, Any]:
        """Gymnasium's `metadata` of an environment."""
        modes = {"ansi": self.text, "rgb_array": self.picture}
        return {
            "render_modes": [mode for mode, draw in modes.items() if draw is not None],
            "render_fps": self.fps,
        }

    def draw(self, mode: str | None, observation: Any) -> Any:
        """A frame in a render mode; None without one."""
        if mode == "ansi" and self.text is not None:
            return self.text(observation)
        if mode == "rgb_array" and self.picture is not None:
            return self.picture(observation)
        return None

    def check_mode(self, mode: str | None) -> None:
        """ValueError for a render mode that the game does not have."""
        known = self.metadata["render_modes"]
        if mode is not None and mode not in known:
            raise ValueError(
                f"there is no render mode {mode!r}; the game has {', '.join(known) or 'none'}"
            )
