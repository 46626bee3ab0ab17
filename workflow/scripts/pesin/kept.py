"""Keeps what was worked out at one start for the next, in JSON files that may be lost, cut or foreign at any time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

import pydantic


def key_of(word: str, *files: Path) -> str:
    """Digest of a word, of the contents of files, and of the installed packages: what is kept depends on them alone."""
    parts = [word, _installed(), *(f"{path} {_digest(path)}" for path in files)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def kept(file: Path, key: str):
    """What was kept under the key, as JSON holds it; None if nothing was, or if the file isn't as it was written."""
    try:
        digest, _, text = file.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return json.loads(text) if digest == _sealed(key, text) else None


def keep(file: Path, key: str, value) -> None:
    """Keep a value, if JSON gives it back unchanged and the disk takes it; the file appears whole, or not at all."""
    with contextlib.suppress(OSError, TypeError, ValueError):
        text = json.dumps(value)
        if json.loads(text) != value:  # keys that are numbers, tuples
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent)
        try:
            with open(handle, "w", encoding="utf-8") as opened:
                opened.write(f"{_sealed(key, text)}\n{text}")
            os.replace(name, file)
        except BaseException:
            os.unlink(name)
            raise


def _sealed(key: str, text: str) -> str:
    return hashlib.sha256(f"{key}\n{text}".encode()).hexdigest()


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


@cache
def _installed() -> str:
    """Versions, and when a package was last installed or removed: checks of parameters may ask packages."""
    place = sysconfig.get_paths()["purelib"]
    return f"{platform.python_version()} {pydantic.VERSION} {place} {os.stat(place).st_mtime_ns}"
