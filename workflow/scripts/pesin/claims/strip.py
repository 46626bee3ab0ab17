"""Draws one measured interval against the region that its rule accepts, as a small SVG for the ledger's page."""

from __future__ import annotations

import math

from markupsafe import Markup, escape

from pesin.claims.facts import ClaimFacts, Judged

WIDTH, HEIGHT, EDGE = 220.0, 40.0, 8.0
LINE, DOTS, FEW_DOTS = 11.0, 21.0, 150


def short(value) -> str:
    """Three significant digits for a reader: 0.0123, 6.7 × 10⁻⁹, ∞; "" for none."""
    if value is None:
        return ""
    if isinstance(value, str):
        return {"inf": "∞", "-inf": "−∞"}.get(value, value)
    if value == 0 or abs(value) < 1e-300:
        return "0"
    power = math.floor(math.log10(abs(value)))
    if -4 < power < 6:
        text = f"{value:.3g}"
        return f"{round(value):d}".replace("-", "−") if "e" in text else text.replace("-", "−")
    factor = f"{value / 10.0**power:.3g}".replace("-", "−") if abs(power) < 300 else f"{value:.2e}"
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{factor} × 10{raised}" if abs(power) < 300 else factor


def accepted(fact: ClaimFacts | Judged) -> str:
    """The accepted region in words: "0.9 to 1.1", "at least 0.5", "above 0"; "" if there is none."""
    low, high = bounds(fact)
    if low is None or high is None:
        return ""
    if math.isinf(low) and math.isinf(high):
        return "anything"
    if math.isinf(high):
        # An ordering asks for more than its margin: the region starts at the next number.
        return f"above {short(low)}" if fact.rule.split(" + ")[0] == "ordering" else f"at least {short(low)}"
    if math.isinf(low):
        return f"at most {short(high)}"
    return f"exactly {short(low)}" if low == high else f"{short(low)} to {short(high)}"


def bounds(fact: ClaimFacts | Judged) -> tuple[float | None, float | None]:
    """The accepted region; a correlation's own end at ±1 counts as open."""
    low, high = _float(fact.accept_low), _float(fact.accept_high)
    if "correlation" in fact.rule:
        low = -math.inf if low == -1 else low
        high = math.inf if high == 1 else high
    return low, high


def said(fact: ClaimFacts | Judged) -> str:
    """The picture in a sentence, for those who don't see it."""
    if fact.measured is None:
        return "nothing was measured"
    interval = f", 95 % interval {short(fact.low)} to {short(fact.high)}" if fact.low != fact.high else ""
    region = accepted(fact)
    return f"measured {short(fact.measured)}{interval}" + (f"; the rule accepts {region}" if region else "")


def strip(fact: ClaimFacts | Judged, values: list | None = None) -> Markup:
    """Return the SVG; "" where nothing was measured.

    Parameters
    ----------
    fact
        Measured value, interval and accepted region.
    values
        The number of each independent unit, drawn as dots; outliers at the edge, as triangles.
    """
    measured, low, high = (_float(v) for v in (fact.measured, fact.low, fact.high))
    if measured is None or low is None or high is None:
        return Markup("")
    region = bounds(fact)
    dots = [v for v in map(_float, values or []) if v is not None][:FEW_DOTS]
    start, stop = _domain([measured, low, high, *(b for b in region if b is not None)], dots)

    def x(value: float) -> float:
        return min(max(EDGE + (WIDTH - 2 * EDGE) * (value - start) / (stop - start), 0.0), WIDTH)

    parts = [*_region(region, x), f'<path class="axis" d="M0 {LINE:g}H{WIDTH:g}"/>']
    parts += [_dot(value, start, stop, x) for value in dots]
    parts.append(_interval(low, high, x))
    if math.isfinite(measured):
        parts.append(f'<path class="centre" d="M{x(measured):.1f} {LINE - 5:g}l4.5 5l-4.5 5l-4.5 -5z"/>')
    label = escape(said(fact))
    return Markup(f'<svg class="strip" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{label}">') + Markup(
        "".join(parts) + "</svg>"
    )


def _domain(numbers: list[float], dots: list[float]) -> tuple[float, float]:
    finite = [value for value in numbers if math.isfinite(value)] or [0.0]
    start, stop = min(finite), max(finite)
    span = (stop - start) or abs(start) or 1.0
    # Units are shown as far as the picture stays readable.
    near = [value for value in dots if start - span <= value <= stop + span]
    start, stop = min([start, *near]), max([stop, *near])
    pad = 0.06 * ((stop - start) or span)
    if start - pad == stop + pad:  # a bound of the smallest number above 0 stands alone
        pad = 1.0
    return start - pad, stop + pad


def _region(region, x) -> list[str]:
    low, high = region
    if low is None or high is None:
        return []
    left, right = (0.0 if math.isinf(low) else x(low)), (WIDTH if math.isinf(high) else x(high))
    left, right = (left - 1, right + 1) if right - left < 2 else (left, right)
    parts = [f'<rect class="accept" x="{left:.1f}" y="2" width="{right - left:.1f}" height="26"/>']
    for value, at, open_side in ((low, left, "end"), (high, right, "start")):
        if math.isfinite(value):
            room = 6 * len(short(value))
            anchor = "start" if at < room else "end" if at > WIDTH - room else open_side
            if low == high and open_side == "start":
                continue
            parts.append(f'<path class="bound" d="M{at:.1f} 1V29"/>')
            parts.append(f'<text x="{at:.1f}" y="38.5" text-anchor="{anchor}">{short(value)}</text>')
    return parts


def _interval(low: float, high: float, x) -> str:
    left, right = (0.0 if low == -math.inf else x(low)), (WIDTH if high == math.inf else x(high))
    ends = "".join(
        f"M{at:.1f} {LINE - 4:g}v8" for value, at in ((low, left), (high, right)) if math.isfinite(value)
    )  # an interval without end has no cap
    return f'<path class="interval" d="M{left:.1f} {LINE:g}H{right:.1f}{ends}"/>'


def _dot(value: float, start: float, stop: float, x) -> str:
    if start <= value <= stop:
        return f'<circle class="unit" cx="{x(value):.1f}" cy="{DOTS:g}" r="2.4"/>'
    at, way = (1.0, 5) if value < start else (WIDTH - 1, -5)
    return f'<path class="unit" d="M{at:g} {DOTS:g}l{way} -3.5v7z"/>'


def _float(value) -> float | None:
    return None if value is None else float(value)
