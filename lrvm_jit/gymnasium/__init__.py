"""Guest programs as environments of Gymnasium: `GuestVectorEnv`, thousands of games in a batch, and
`GuestEnv`, one. Needs the extra `gymnasium`."""

from __future__ import annotations

try:
    import gymnasium as _gymnasium  # noqa: F401 - only whether it is there
except ImportError as error:
    raise ImportError(
        "lrvm_jit.gymnasium needs the package gymnasium: pip install 'lrvm-jit[gymnasium]'",
        name="gymnasium",
    ) from error

from .env import GuestEnv
from .game import Game, GameError
from .vector_env import GuestVectorEnv

__all__ = ["Game", "GameError", "GuestEnv", "GuestVectorEnv"]
