"""Numba's compiler with a cache that can't stop a job: what can't be read or kept is compiled anew, and said once."""

from __future__ import annotations

import sys
from typing import Any

import numba
from numba.core.caching import FunctionCache

_said: list[str] = []


def njit(**options):
    """Decorator: `numba.njit(**options)`, its machine code kept from one process to the next where that is possible.

    Numba 0.68 fails for ever with EOFError where a file of its cache was cut, ends the job where the disk is full, and
    can't be imported from a folder that can't be written to by a user without a home. The numbers don't depend on the
    cache. What happened goes to stderr, not into a result's attributes: results are the same.
    """

    def compiled(function):
        dispatcher = numba.njit(**options)(function)
        try:
            dispatcher._cache = _Cache(function)  # what its own enable_caching() does, with another class
        except (RuntimeError, OSError) as error:  # no folder can be written to
            _say(error)
        return dispatcher

    return compiled


class _Cache(FunctionCache):
    """Numba's cache of one function; a fault of its files is a miss."""

    def load_overload(self, sig, target_context) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # a cut pickle raises whatever its bytes lead to
            _say(error)
            try:
                self.flush()
            except OSError:
                self.disable()
            return None

    def save_overload(self, sig, data) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as error:
            _say(error)
            self.disable()


def _say(error: Exception) -> None:
    """Once in a process."""
    if not _said:
        _said.append(f"compiled code isn't kept, or had to be made anew: {type(error).__name__}: {error}")
        print(_said[0], file=sys.stderr)
