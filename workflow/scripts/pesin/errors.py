"""The one error a user is meant to read: a sentence that names the file, the key or the variable."""

from difflib import get_close_matches


class UserError(Exception):
    """Something the user can mend. The message says what is wrong, where, and what to type instead."""


def did_you_mean(word: str, known) -> str:
    """Return " Did you mean 'x'?", or " Known: a, b, c." when nothing comes near."""
    names = sorted(str(name) for name in known)
    near = get_close_matches(str(word), names, n=1, cutoff=0.6)
    if near:
        return f" Did you mean '{near[0]}'?"
    return f" Known: {', '.join(names)}." if names else ""
