"""A Brownian path that can be asked for any interval, in any order, and gives the same again: a tree of seeds."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

import numpy as np


class _Node:
    """An interval of the tree; once split, it has a middle and two children."""

    def __init__(self, start: float, end: float, seed: bytes, above: _Node | None) -> None:
        self.start, self.end, self.seed, self.above = start, end, seed, above
        self.middle = end
        self.halves: tuple[_Node, _Node] | None = None

    def split(self, middle: float) -> None:
        left, right = (blake2b(self.seed + side, digest_size=16).digest() for side in (b"left", b"right"))
        self.middle = middle
        self.halves = _Node(self.start, middle, left, self), _Node(middle, self.end, right, self)


class BrownianInterval:
    """Increments of one path: `path(s, t)` is W(t) - W(s).

    A tree of intervals, each with a seed of its own: a split draws the left half by the law of a Brownian bridge given
    the whole, and the right half is what is left. Increments are kept in a small cache and drawn again from their
    seeds when they are gone (Kidger, Foster, Li and Lyons 2021, arXiv 2105.13493, section 4).

    Parameters
    ----------
    start, end
        Interval of time.
    shape
        Of an increment: independent components.
    seed
        The path. What it is between the points asked for so far hangs on the order in which they were asked.
    spacing
        Length of the intervals that will be asked for, about: longer ones are halved first, which keeps the tree flat.
    cache
        Increments that are kept.
    """

    def __init__(
        self, start: float, end: float, shape: tuple[int, ...], seed: int, spacing: float = np.inf, cache: int = 128
    ) -> None:
        if not start < end:
            raise ValueError(f"a path needs an interval of time, this one is from {start} to {end}")
        if cache < 2:
            raise ValueError(f"cache: two increments at least are kept, not {cache}")
        self.shape, self.spacing, self.cache = shape, spacing, cache
        self._root = _Node(start, end, blake2b(str(seed).encode(), digest_size=16).digest(), None)
        self._known: OrderedDict[_Node, np.ndarray] = OrderedDict()

    def __call__(self, start: float, end: float) -> np.ndarray:
        """Increment over an interval, float64, of the path's shape; zero over an empty one."""
        if not self._root.start <= start <= end <= self._root.end:
            raise ValueError(f"the path runs from {self._root.start} to {self._root.end}, not over {start} to {end}")
        found, waiting = np.zeros(self.shape), [self._root]
        while waiting:
            node = waiting.pop()
            if end <= node.start or node.end <= start:
                continue
            if start <= node.start and node.end <= end:
                found += self._increment(node)
                continue
            if node.halves is None:
                cut = start if node.start < start else end
                long = node.end - node.start > 2 * self.spacing
                node.split((node.start + node.end) / 2 if long else cut)
            waiting.extend(reversed(node.halves or ()))
        return found

    def _increment(self, node: _Node) -> np.ndarray:
        """From the nearest ancestor that is kept down to the node."""
        down = [node]
        while down[-1].above is not None and down[-1] not in self._known:
            down.append(down[-1].above)
        if down[-1] not in self._known:
            top = down[-1]
            self._keep(top, (top.end - top.start) ** 0.5 * _normal(top.seed, self.shape))
        value = self._known[down[-1]]
        self._known.move_to_end(down[-1])
        for parent, child in zip(down[:0:-1], down[-2::-1], strict=True):
            assert parent.halves is not None
            left, right = parent.halves
            share = (parent.middle - parent.start) / (parent.end - parent.start)
            spread = (share * (parent.end - parent.middle)) ** 0.5
            first = share * value + spread * _normal(parent.seed + b"bridge", self.shape)
            self._keep(left, first)
            self._keep(right, value - first)
            value = first if child is left else value - first
        return value

    def _keep(self, node: _Node, value: np.ndarray) -> None:
        self._known[node] = value
        self._known.move_to_end(node)
        while len(self._known) > self.cache:
            self._known.popitem(last=False)


def _normal(seed: bytes, shape: tuple[int, ...]) -> np.ndarray:
    key = int.from_bytes(blake2b(seed, digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key)).standard_normal(shape)
