"""Packages that one study alone needs: imported late, and missed with a sentence instead of a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pesin.errors import UserError


@contextmanager
def needs_package(name: str) -> Iterator[None]:
    """Wrap the imports of a package that a study can't do without, inside the function that needs it.

    Parameters
    ----------
    name
        The package as pip calls it.

    Raises
    ------
    UserError
        If an import fails. The job fails with this sentence, and the ledger gives it as the reason of "no verdict".
    """
    try:
        yield
    except ImportError as error:
        raise UserError(
            f"{name} is missing ({error}). Install it: pip install -c envs/requirements.lock {name}"
        ) from error
