"""Random numbers that compiled code is given at each call, as by the function itself.

What draws by `uniform` can be compiled. While that is done, the numbers are those that come next,
and stay those that come next: they are drawn by copies of generators.
"""

from __future__ import annotations

import copy
from typing import Any

from ..engine.modes import Mode, modes


class Draws(Mode):
    """Within it generators stay as they are."""

    asks = False

    def __init__(self) -> None:
        self._copies: dict[int, Any] = {}

    def uniform(self, rng: Any, shape: tuple[int, ...]) -> Any:
        if id(rng) not in self._copies:
            self._copies[id(rng)] = copy.deepcopy(rng)
        return self._copies[id(rng)].random(shape)


def uniform(rng: Any, shape: tuple[int, ...]) -> Any:
    """``rng.random(shape)``: numbers from 0 to below 1, also in code that is compiled."""
    within = [mode for mode in modes() if hasattr(mode, "uniform")]
    return within[0].uniform(rng, shape) if within else rng.random(shape)


class Draw:
    """Numbers that are drawn when they are asked for."""

    name = "u"

    def __init__(self, rng: Any, shape: tuple[int, ...]) -> None:
        self._rng, self._shape, self._before = rng, shape, None

    @property
    def _array(self) -> Any:
        self._before = self._rng.bit_generator.state
        return uniform(self._rng, self._shape)

    def undo(self) -> None:
        """Let the numbers that were drawn last be those that come next."""
        if self._before is not None:
            self._rng.bit_generator.state, self._before = self._before, None
