"""The study's figures: tokens of one dimension, of two, and the networks."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

ACCEPTED = 0.03
"""C2: distance of a constant from 1."""
SAID = {"convergent": "convergent", "slow": "slow divergence", "fast": "fast divergence"}
HUES = {"positive": COLOURS[0], "mixed": COLOURS[2], "negative": COLOURS[1]}
ORDER_HUES = {"plain": COLOURS[7], "reordered": COLOURS[0], "random": COLOURS[1]}
GREY = COLOURS[7]
X = "$|x_l|$"


def trajectories(study: Results) -> Figure:
    """One draw of each case; below, limit laws, ratios, blow-up times and rates of all draws."""
    worlds: Any = study["simulate/tokens"]["line"].to_dataset()
    result: Any = study["entropy/tokens"]
    figure, ((fall, rise, burst, share), (law, ratio, blow, rates)) = panels(2, 4, height=2.3)
    one = {name: worlds.sel(world=name).isel(draw=0) for name in SAID}
    t = worlds["time"].values
    token_lines(fall, t[1:], np.exp(one["convergent"]["log_x"].values[:, 1:]))
    late = t[t >= 10]
    first = np.sqrt(1 / (2 * abs(float(one["convergent"]["mu"])) * np.log(2) * late))
    fall.plot(late, first, "k--", lw=1, label="law, l = 1")
    log_axis(fall, "y", ticks=[1e-3, 1e-2, 0.1, 1])
    decades(fall)
    fall.set(xlabel="depth t", ylabel=X, title=SAID["convergent"])
    legend(fall, loc="lower left", handlelength=1.2)
    token_lines(rise, t[1:], np.exp(one["slow"]["log_x"].values[:, 1:]))
    log_axis(rise, "y", ticks=[1, 10, 100, 1000])
    decades(rise)
    rise.set(xlabel="depth t", ylabel=X, title=SAID["slow"])
    bursting(burst, study["simulate/tokens"]["burst"].to_dataset())
    for i, (role, said) in enumerate(SAID.items()):
        found = result["effective_tokens"].sel(role=role).isel(time=slice(1, None))
        middle = found.quantile([0.25, 0.5, 0.75], "draw").values
        share.plot(t[1:], middle[1], color=COLOURS[i], label=said.split()[0])
        share.fill_between(t[1:], middle[0], middle[2], color=COLOURS[i], alpha=0.2, lw=0)
    decades(share)
    share.set(xlabel="depth t", ylabel="effective share of tokens\nexp(H) / L", ylim=(0, 1.02))
    legend(share, loc="lower right", bbox_to_anchor=(1.1, 0.2), handlelength=0.8, labelspacing=0.2)
    laws(law, worlds)
    settling(ratio, worlds)
    blow_ups(blow, worlds)
    unequal(rates, result, study["entropy/opposite"])
    return figure


def decades(panel: Axes, ticks=(1, 1e4)) -> None:
    """Depth along a logarithmic axis with few numbers."""
    log_axis(panel, "x", ticks=ticks)
    panel.minorticks_off()


def token_lines(panel: Axes, t: np.ndarray, x: np.ndarray) -> None:
    """A line for each token, from the first (dark) to the last (light)."""
    for token, values in enumerate(x):
        label = f"l = {token + 1}" if token in (0, len(x) - 1) else None
        panel.plot(t, values, color=shade(token, len(x)), lw=1, label=label)


def shade(token: int, tokens: int) -> tuple:
    return mpl.colormaps["viridis"](0.9 * token / max(tokens - 1, 1))


def bursting(panel: Axes, one) -> None:
    """A draw up to its blow-up; and when its soonest token would blow up alone."""
    t = one["t"].values
    seen = (t > 0) & (t < t[-1])
    token_lines(panel, t[seen], np.exp(one["log_x"].values[:, seen]))
    panel.axvline(t[-1], color="k", ls="--", lw=1, label="blow-up")
    panel.axvline(float(one["star"]), color=GREY, ls=":", lw=1.5, label="if alone")
    log_axis(panel, "y", ticks=[1, 10, 100, 1000])
    panel.minorticks_off()
    panel.set(xlabel="depth t", ylabel=X, title=SAID["fast"], ylim=(None, 1e3), xlim=(0, None))
    legend(panel, loc="upper left", handlelength=1.2, handles=panel.lines[-2:])


def laws(panel: Axes, worlds) -> None:
    """|x_l| over its limit law against depth: the least and the largest of all draws, for three tokens."""
    part = worlds.sel(world="convergent")
    t, tokens = part["time"].values[1:], part.sizes["token"]
    scale = np.sqrt(2 * abs(part["mu"].values)[:, None] * np.log(2) * t)
    for token in dict.fromkeys((0, 1, tokens - 1)):
        c = 1.0 if token == 0 else 1 - 2 ** -part["a"].values[:, None]
        over = np.exp(part["log_x"].isel(token=token).values[:, 1:]) * scale / c**0.5
        panel.fill_between(
            t, over.min(0), over.max(0), color=shade(token, tokens), alpha=0.5, lw=0, label=f"l = {token + 1}"
        )
    panel.axhspan(1 - ACCEPTED, 1 + ACCEPTED, color="k", alpha=0.25, lw=0, label="accepted")
    decades(panel)
    panel.set(xlabel="depth t", ylabel=f"{X} over its limit law", xlim=(1, 1e6), ylim=(0.7, 1.3))
    legend(panel, outside="above", ncols=2, handlelength=1)


def settling(panel: Axes, worlds) -> None:
    """Tokens over the first one in the slow case, one draw, and the bound's own ratios."""
    part = worlds.sel(world="slow").isel(draw=0)
    t, u = part["time"].values, part["log_x"].values
    late = t >= 10
    token_lines(panel, t[late], np.exp(u[1:] - u[:1])[:, late])
    panel.plot(
        t[late],
        np.log(t[late]) / np.log(t[late][0]) * np.exp(u[1] - u[0])[late][0],
        "k--",
        lw=1,
        label="growing as ln t",
    )
    log_axis(panel, "y", ticks=[0.1, 1, 10, 100])
    decades(panel, (10, 1e4))
    panel.set(xlabel="depth t", ylabel="$|x_l/x_1|$, slow case", xlim=(10, 1e6))
    legend(panel, outside="above", handles=panel.lines[-1:])


def blow_ups(panel: Axes, worlds) -> None:
    """Blow-ups over what quadrature foretells: a token alone, and the whole draw against its soonest token alone."""
    fast = worlds.sel(world="fast")
    for star, stop, colour, label in (
        ("star_soonest", "stop", 1, "with others"),
        ("star_alone", "stop_alone", 0, "alone"),
    ):
        panel.plot(fast[star], fast[stop] / fast[star], ".", ms=3, color=COLOURS[colour], label=label)
    panel.axhline(1, color="k", ls="--", lw=0.8)
    log_axis(panel, "x", ticks=[0.03, 0.3, 3])
    panel.minorticks_off()
    panel.set(xlabel="quadrature (depth)", ylabel="blow-up / quadrature", ylim=(0, 1.1))
    legend(panel, outside="above", ncols=2, handletextpad=0)


def unequal(panel: Axes, result, opposite) -> None:
    """Share of draws whose rates differ by more than a factor, in the slow case and with mu turned."""
    for found, label, colour in ((result, "mu > 0", COLOURS[0]), (opposite, "mu < 0", COLOURS[1])):
        values = np.sort(found["rate_ratio"].values)
        panel.plot(values, 1 - np.arange(len(values)) / len(values), color=colour, label=label, drawstyle="steps-post")
    panel.axvline(2, color="k", ls="--", lw=0.8)
    panel.axhline(0.9, color=GREY, ls=":", lw=1)
    log_axis(panel, "x", ticks=[1, 30, 1000])
    panel.minorticks_off()
    note(panel, "C4: above", (0.98, 0.9), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    panel.set(xlabel="fastest / slowest rate", ylabel="share of draws beyond", ylim=(0, 1.08))
    legend(panel, outside="above", ncols=2, handlelength=0.8, columnspacing=0.6)


def portraits(study: Results) -> Figure:
    """Paths of tokens in the plane under three patterns of signs."""
    plane: Any = study["simulate/tokens"]["plane"].to_dataset()
    figure, (row,) = panels(1, 3, height=2.6)
    for panel, signs in zip(row, plane["signs"].values, strict=True):
        x = plane["x"].sel(signs=signs)
        for token in range(x.sizes["token"]):
            path = x.isel(token=token).values
            panel.plot(*path, color=shade(token, x.sizes["token"]), lw=1.2)
            panel.plot(*path[:, 0], "o", color=shade(token, x.sizes["token"]), ms=4, label=f"l = {token + 1}")
        panel.axhline(0, color=GREY, lw=0.5)
        panel.axvline(0, color=GREY, lw=0.5)
        one, two = plane["eigenvalue"].sel(signs=signs).values
        panel.set(
            title=f"{signs}: {one:.2g} and {two:.2g}",
            xlim=(-2, 2),
            ylim=(-2, 2),
            xlabel="first coordinate",
            aspect="equal",
        )
    row[0].set_ylabel("second coordinate")
    legend(row[-1], outside="right")
    return figure


def networks(study: Results) -> Figure:
    """Training curves, held-out scores, and paired differences: language models above, classifiers below."""
    data: Any = study["simulate/networks"]
    trained: Any = study["train/networks"]
    result: Any = study["forecast/networks"]
    figure, ((text, held, signs), (images, accuracy, order)) = panels(2, 3, height=2.4)
    source = float(data["text/source_loss"])
    curves(text, trained["text"].to_dataset(), "text", HUES, source)
    text.axhline(float(result["pairs_excess"]), color="k", ls=":", lw=1, label="table of pairs")
    text.set(ylabel="loss beyond the\nsource's entropy (nat)", ylim=(0, None))
    curves(images, trained["images"].to_dataset(), "images", ORDER_HUES, 0.0)
    images.set(ylabel="training loss (nat)", ylim=(0, None))
    scores(held, result["excess"], "signs", "seed", HUES)
    scores(accuracy, result["accuracy"], "order", "image_seed", ORDER_HUES)
    loss, right = result["loss"], result["accuracy"]
    pairs = {
        "mixed -\npositive": loss.sel(signs="mixed") - loss.sel(signs="positive"),
        "negative -\nmixed": loss.sel(signs="negative") - loss.sel(signs="mixed"),
    }
    differences(signs, pairs, "seed", "difference of loss (nat)")
    gained = {"reordered -\nplain": right.sel(order="reordered") - right.sel(order="plain")}
    differences(order, gained, "image_seed", "difference of accuracy")
    for panel in (text, images):
        panel.set_xlabel("update")
        legend(panel, outside="above", ncols=2)
    return figure


def curves(panel: Axes, trained, task: str, hues: dict, floor: float) -> None:
    """Training loss, means over ten updates, with the interval over seeds."""
    loss = trained["loss"] - floor
    step = f"{task}_step"
    width = max(1, loss.sizes[step] // 15)
    loss = loss.coarsen({step: width}, boundary="trim").mean()
    for arm, colour in hues.items():
        one = loss.sel({f"{task}_arm": arm})
        interval_band(panel, width * (0.5 + np.arange(one.sizes[step])), interval(one, "seed"), label=arm, color=colour)


def scores(panel: Axes, values, arms: str, over: str, hues: dict) -> None:
    """Each seed a dot, lines between those of a seed, and the mean with its interval."""
    place = np.arange(values.sizes[arms])
    panel.plot(place, values.transpose(arms, over).values, ".-", color=GREY, lw=0.6, ms=4)
    found: Any = interval(values, over)
    for i, arm in enumerate(values[arms].values):
        one = type(found)(*(part.isel({arms: [i]}) for part in found))
        interval_whiskers(panel, [i + 0.15], one, color=hues[arm])
    names(panel, "x", values[arms].values)
    name = "held-out loss beyond\nthe source's entropy (nat)" if arms == "signs" else "accuracy, held out"
    panel.set(ylabel=name, xlim=(-0.4, len(place) - 0.6))


def differences(panel: Axes, pairs: dict, over: str, said: str) -> None:
    """Paired differences, each seed a dot, and the mean with the judged interval."""
    for i, values in enumerate(pairs.values()):
        panel.plot(np.full(values.sizes[over], i), values, ".", color=GREY, ms=4)
        found = interval(values.expand_dims("pair"), over)
        interval_whiskers(panel, [i + 0.15], found, color=COLOURS[0])
    panel.axhline(0, color="k", ls="--", lw=0.8, label="judged: above 0")
    legend(panel, outside="above", handles=panel.lines[-1:])
    names(panel, "x", list(pairs))
    panel.set(ylabel=f"{said}\npaired, 95 %", xlim=(-0.5, len(pairs) - 0.5))
