"""Packs figures so that a page can carry them: the vector picture compressed, or its pixels where that is smaller."""

from __future__ import annotations

import base64
import gzip
import io
import re
from dataclasses import dataclass
from pathlib import Path

ENOUGH = 90_000  # bytes of a compressed vector picture that need no smaller form


@dataclass(frozen=True)
class Picture:
    """A figure as text. `form` is svg (gzip, base64) or webp (base64); width and height in pixels of the screen."""

    form: str
    data: str
    width: int
    height: int


def packed(svg: Path) -> Picture | None:
    """Return the picture of a figure's svg, or of the png beside it if that is smaller; None if there is none."""
    try:
        text = svg.read_bytes()
    except OSError:
        return None
    size = re.search(rb'<svg[^>]*?\bviewBox="\s*[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"', text)
    if size is None:
        return None
    width, height = (round(float(points) * 4 / 3) for points in size.groups())
    vector = gzip.compress(text, 9, mtime=0)
    pixels = _pixels(svg.with_suffix(".png")) if len(vector) > ENOUGH else None
    if pixels is not None and len(pixels) < len(vector):
        return Picture("webp", base64.b64encode(pixels).decode(), width, height)
    return Picture("svg", base64.b64encode(vector).decode(), width, height)


def _pixels(png: Path) -> bytes | None:
    from PIL import Image

    try:
        with Image.open(png) as image:
            packed = io.BytesIO()
            image.convert("RGB").save(packed, "WEBP", quality=80, method=2)
            return packed.getvalue()
    except OSError:
        return None
