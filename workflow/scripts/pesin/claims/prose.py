"""Results named in a study's prose: `{C3.verdict}` or `{C3.measured}` is filled in when the ledger is made."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

NAMED = re.compile(r"\{(C[0-9]+[a-z]?)\.(verdict|measured|low|high|n)\}")


def filled(text: str, rows: Mapping[str, dict]) -> str:
    """The text with each result that it names.

    Parameters
    ----------
    text
        A summary, a caption or a note.
    rows
        Claim -> its row of the ledger. A claim without one, or a number that isn't there, reads "not judged yet".
    """

    def found(match: re.Match) -> str:
        value = rows.get(match[1], {}).get(match[2])
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return "not judged yet"
        return value if isinstance(value, str) else f"{value:.3g}"

    return NAMED.sub(found, text)


def named(text: str) -> set[str]:
    """Claims whose results a text names."""
    return {match[1] for match in NAMED.finditer(text)}
