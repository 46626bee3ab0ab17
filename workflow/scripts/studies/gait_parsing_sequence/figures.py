"""The study's figures: walkers, recognition, entropy against recognition, the second head, hindrances."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from pesin.plot.style import COLOURS, SMALL, interval_band, interval_whiskers, legend, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results
from studies.gait_parsing_sequence.walkers import JOINTS, LABELS

SAID = {
    "silhouette": "silhouette",
    "repeated": "silhouette x 11",
    "skeleton": "joints",
    "label_map": "label as number",
    "shuffled": "labels dealt out",
    "three": "3 classes",
    "five": "5 classes",
    "parsing": "parsing",
    "two_heads": "two heads",
}
HUES = {"silhouette": COLOURS[7], "skeleton": COLOURS[4], "parsing": COLOURS[0], "shuffled": COLOURS[1]}
PALETTE = ListedColormap(
    ("white", "#E69F00", "#56B4E9", "#7B3294", "#C2A5CF", "#D73027", "#FC8D59", "#00704A", "#7FCDA0", "#222222")
    + ("#999999", "#F4D6E0")
)
BONES = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle", "toe")


def frames(study: Results) -> Figure:
    """One walker as all networks see it: rows silhouette, joints, parts, parts dealt out; columns sequences."""
    data: Any = study["simulate/walkers"]
    shown = [("clean", 0), ("wild", 0), ("wild", 1)]
    shown = [(group, i) for group, i in shown if group in data and i < data[group].sizes["sequence"]]
    figure, axes = panels(4, 2 * len(shown), height=1.5)
    for row, kind in zip(axes, ("silhouette", "joints", "labels", "shuffled"), strict=True):
        for j, panel in enumerate(row):
            group, i = shown[j // 2]
            one = data[group].to_dataset().isel(seed=0, sequence=i, frame=j % 2)
            _draw(panel, one, kind)
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set(visible=True, linewidth=0.5, color=COLOURS[7])
            if kind == "silhouette":
                angle = np.degrees(float(one["view"]))
                panel.set_title(
                    f"{group}, frame {j % 2 + 1}\n{angle:.0f}°, dress {float(one['dress']):.0f}", fontsize=SMALL
                )
        row[0].set_ylabel({"labels": "parts", "shuffled": "dealt out"}.get(kind, kind))
    hues = [
        Patch(facecolor=PALETTE(i), edgecolor="#888888", linewidth=0.4, label=LABELS[i]) for i in range(1, len(LABELS))
    ]
    figure.legend(handles=hues, loc="outside lower center", ncols=6, fontsize=SMALL, frameon=False)
    return figure


def _draw(panel: Axes, one: Any, kind: str) -> None:
    labels = one["labels"].values
    if kind == "joints":
        places = dict(zip(JOINTS, one["joints"].values, strict=True))
        for side, hue in (("left", COLOURS[5]), ("right", COLOURS[1])):
            for bones in BONES:
                line = np.array([places[f"{side} {joint}"] for joint in bones])
                panel.plot(*line.T, "o-", color=hue, markersize=1.5, linewidth=0.8)
        middle = (places["left hip"] + places["right hip"]) / 2
        trunk = np.array([places["crown"], places["head"], places["neck"], middle])
        panel.plot(*trunk.T, "o-", color=COLOURS[6], markersize=1.5, linewidth=0.8)
        panel.set(xlim=(0, labels.shape[1]), ylim=(labels.shape[0], 0), aspect="equal")
    elif kind == "silhouette":
        panel.imshow(labels > 0, cmap="gray", vmin=0, vmax=1, interpolation="none")
    else:
        shown = labels if kind == "labels" else one["shuffled"].values
        panel.imshow(shown, cmap=PALETTE, vmin=-0.5, vmax=len(LABELS) - 0.5, interpolation="none")


def recognition(study: Results) -> Figure:
    """Rank-1 of each network, and the share recognised within a rank."""
    result: Any = study["forecast/walkers"]
    untrained: Any = study["forecast/untrained"]
    figure, ((left, right),) = panels(1, 2, height=3.0, width_ratios=(1.5, 1))
    _dots(left, result["rank1"].sel(network=list(SAID)), list(SAID.values()))
    pair = [list(SAID).index(name) for name in ("silhouette", "parsing")]
    for seed in result["seed"].values:
        both = result["rank1"].sel(network=["silhouette", "parsing"], seed=seed)
        left.plot(pair, both, color=COLOURS[7], linewidth=0.5, alpha=0.6, zorder=0)
    mean = untrained["rank1"].sel(network=list(SAID)).mean("seed")
    left.plot(range(len(SAID)), mean, "x", color=COLOURS[6], markersize=4, label="untrained")
    params = study.params("walkers").simulate
    chance = (params.sequences - 1) / (params.test * params.sequences - 1)
    left.axhline(chance, color=COLOURS[6], linestyle=":", linewidth=0.8, label="chance")
    left.set(ylabel="Rank-1", ylim=(0, None))
    legend(left, outside="above", ncols=4)
    for name in ("parsing", "shuffled", "silhouette", "skeleton"):
        found = interval(result["cmc"].sel(network=name), "seed")
        interval_band(right, result["rank"].values, found, label=SAID[name], color=HUES[name])
    right.set(xlabel="rank", ylabel="probes recognised within it", ylim=(0, 1))
    legend(right, outside="above", ncols=2)
    return figure


def _dots(panel: Axes, values: Any, said: list[str]) -> None:
    """Seeds as dots, and the mean with its interval, by the first dimension."""
    at = np.arange(len(said))
    many = values.sizes["seed"]
    for i, seed in enumerate(values["seed"].values):
        label = "each seed" if i == 0 else None
        panel.plot(at + 0.2, values.sel(seed=seed), ".", color=COLOURS[5], markersize=4, label=label)
    interval_whiskers(panel, at, interval(values, "seed"), label=f"mean of {many}, 95 %", color=COLOURS[0])
    names(panel, "x", said, rotation=40)
    panel.set_xlim(-0.5, len(said) - 0.5)


def ladder(study: Results) -> Figure:
    """Rank-1 against the entropy of a pixel, and the length of codes."""
    entropies: Any = study["entropy/walkers"]
    result: Any = study["forecast/walkers"]
    figure, ((left, right),) = panels(1, 2, height=2.8)
    steps = ["silhouette", "three", "five", "parsing"]
    at = {name: float(entropies["bits"].sel(map=name).mean()) for name in (*steps, "shuffled")}
    found = interval(result["rank1"].sel(network=steps), "seed")
    interval_whiskers(left, [at[name] for name in steps], found, label="parts merged", color=COLOURS[0], fmt="o-")
    dealt = interval(result["rank1"].sel(network=["shuffled"]), "seed")
    interval_whiskers(left, [at["shuffled"]], dealt, label="parts dealt out", color=COLOURS[1], fmt="s")
    for name, count in zip(steps, ("1", "3", "5", "11"), strict=True):
        place = at[name], float(result["rank1"].sel(network=name).mean())
        note(left, count, place, xytext=(4, -9), textcoords="offset points")
    left.set(xlabel="entropy of a pixel's label (bit)", ylabel="Rank-1", ylim=(0, None))
    legend(left, outside="above", ncols=2)
    order = ["skeleton", *steps, "shuffled"]
    code = interval(entropies["code_bits"].sel(representation=order), "walker")
    interval_whiskers(right, np.arange(len(order)), code, color=COLOURS[0])
    names(right, "x", [SAID[name] for name in order], rotation=40)
    right.set(ylabel="length of a frame's code (bit)", ylim=(0, None), xlim=(-0.5, len(order) - 0.5))
    return figure


def heads(study: Results) -> Figure:
    """Two heads less another network, paired by seed; Rank-1 under each condition, and the share lost in the wild."""
    result: Any = study["forecast/walkers"]
    figure, ((left, middle, right),) = panels(1, 3, height=2.9, width_ratios=(1.1, 1.2, 1))
    others = {
        "parsing": "one head",
        "no_graph": "no graph",
        "random_graph": "random tree",
        "shuffled_masks": "no parts",
    }
    apart = result["map"].sel(network="two_heads") - result["map"].sel(network=list(others))
    _dots(left, apart, [f"less {said}" for said in others.values()])
    left.axhline(0, color=COLOURS[7], linewidth=0.8)
    left.axvspan(len(others) - 1.5, len(others) - 0.5, color=COLOURS[7], alpha=0.15, linewidth=0)
    left.set_ylabel("mean average precision,\ntwo heads less another")
    legend(left, outside="above", ncols=1)
    at = np.arange(result.sizes["condition"])
    for i, name in enumerate(result["shown"].values):
        found = interval(result["by_condition"].sel(shown=name), "seed")
        interval_whiskers(middle, at + 0.15 * (i - 1), found, label=SAID[name], color=HUES[name])
    names(middle, "x", result["condition"].values, rotation=40)
    middle.set(ylabel="Rank-1", ylim=(0, 1))
    legend(middle, outside="above", ncols=2)
    _dots(right, result["lost"], [SAID[name] for name in result["shown"].values])
    right.axhline(0, color=COLOURS[7], linewidth=0.8)
    right.set_ylabel("share of the clean Rank-1\nthat is lost in the wild")
    legend(right, outside="above", ncols=1)
    return figure
