"""The one language of all tasks: prompts with slots for a string's characters and for binned properties.

    forward   task | characters | ASK ...        -> the bins, each at its ASK
    inverse   task | bins | characters           -> the characters, one after another

and the same for pairs "one.two" with the properties of their mixture. A string ends with END, which fills its slots up;
a property that isn't given is a NONE. All prompts are equally long, so that a slot always has the same position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TASKS = ("forward", "inverse", "mixture", "design")
"""Of molecules, of molecules, of pairs, of pairs."""
END, ASK, NONE = 0, 1, 2
FIRST_TASK = 3
FIRST_CHARACTER = FIRST_TASK + len(TASKS)
UNSCORED = -100
"""Target of a slot that is given, or of which nothing is known."""


@dataclass(frozen=True)
class Language:
    """Symbols and slots.

    Attributes
    ----------
    characters
        Of the strings, sorted, "." between the compounds of a pair among them.
    bins
        Tokens of each slot's value, between -1 and 1.
    string, slots
        Slots of a string with its END, and of properties.
    """

    characters: str
    bins: int
    string: int
    slots: int

    @property
    def first_bin(self) -> int:
        return FIRST_CHARACTER + len(self.characters)

    @property
    def symbols(self) -> int:
        return self.first_bin + self.slots * self.bins

    @property
    def length(self) -> int:
        """Of a prompt."""
        return 1 + self.string + self.slots

    @property
    def centres(self) -> np.ndarray:
        """Value in the middle of each bin."""
        return (2 * np.arange(self.bins) + 1) / self.bins - 1

    def written(self, strings: Sequence[str]) -> np.ndarray:
        """Tokens of strings, shape (strings, string), filled up with END."""
        place = {one: FIRST_CHARACTER + i for i, one in enumerate(self.characters)}
        found = np.full((len(strings), self.string), END)
        for row, text in zip(found, strings, strict=True):
            if len(text) >= self.string:
                raise ValueError(f"'{text}' has more than {self.string - 1} characters")
            row[: len(text)] = [place[one] for one in text]
        return found

    def read(self, tokens: np.ndarray) -> list[str]:
        """Strings of tokens (n, string), up to the first END; "" where a token is no character."""
        found = []
        for row in tokens:
            row = row[: np.argmax(row == END)] if (row == END).any() else row
            good = ((row >= FIRST_CHARACTER) & (row < self.first_bin)).all()
            found.append("".join(self.characters[i - FIRST_CHARACTER] for i in row) if good else "")
        return found

    def binned(self, values: np.ndarray) -> np.ndarray:
        """Tokens of values (..., slots); beyond -1 and 1 the outermost, NaN: NONE."""
        place = np.clip(np.floor((np.nan_to_num(values) + 1) / 2 * self.bins), 0, self.bins - 1).astype(int)
        return np.where(np.isfinite(values), self.first_bin + self.bins * np.arange(self.slots) + place, NONE)

    @property
    def spelling(self) -> np.ndarray:
        """Yes for the tokens that may stand in a string, shape (symbols,)."""
        place = np.arange(self.symbols)
        return (place == END) | ((place >= FIRST_CHARACTER) & (place < self.first_bin))


def asking(task: str, strings: np.ndarray, slots: int) -> np.ndarray:
    """Prompts of `forward` and `mixture`: string tokens (..., string) -> (..., length)."""
    lead = strings.shape[:-1]
    first = np.full((*lead, 1), FIRST_TASK + TASKS.index(task))
    return np.concatenate([first, strings, np.full((*lead, slots), ASK)], -1)


def designing(task: str, properties: np.ndarray) -> np.ndarray:
    """Prompts of `inverse` and `design`: bins (..., slots) -> (..., 1 + slots); the string goes on from there."""
    first = np.full((*properties.shape[:-1], 1), FIRST_TASK + TASKS.index(task))
    return np.concatenate([first, properties], -1)


def lesson(task: str, strings: np.ndarray, properties: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A prompt with its answer, and the target at each position.

    Parameters
    ----------
    strings : ndarray of int, shape (..., string)
    properties : ndarray of int, shape (..., slots)
    given : ndarray of bool, shape (..., slots)
        Which properties the prompt of `inverse` and `design` tells.

    Returns
    -------
    (tokens, target) : ndarrays of int, shape (..., length)
    """
    slots = properties.shape[-1]
    if task in ("forward", "mixture"):
        tokens = asking(task, strings, slots)
        target = np.full_like(tokens, UNSCORED)
        target[..., -slots:] = np.where(properties == NONE, UNSCORED, properties)
        return tokens, target
    tokens = np.concatenate([designing(task, np.where(given, properties, NONE)), strings], -1)
    target = np.full_like(tokens, UNSCORED)
    target[..., slots:-1] = strings
    return tokens, target
