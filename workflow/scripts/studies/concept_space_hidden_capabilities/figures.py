"""The study's figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, named, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

GAIN = 0.415
"""Octaves that C4 asks of the pushed embedding."""
WEAK = {"colour_12": "weak colour", "size_5": "weak size"}
SHOWN = WEAK | {"strong": "both strong"}
SAID = {"naive": "plain prompt", "latent": "pushed embedding", "over": "exaggerated prompt"}
CORNERS = {"00": "large red", "01": "small red", "10": "large blue", "11": "small blue (unseen)"}


def paths(study: Results) -> Figure:
    """All four classes in concept space, seed by seed."""
    found: Any = study["forecast/discs"]
    figure, (row,) = panels(1, 3, height=2.9, sharex=True, sharey=True)
    for panel, (setting, title) in zip(row, SHOWN.items(), strict=True):
        for i, (name, label) in enumerate(CORNERS.items()):
            path = found["path"].sel({"class": name, "setting": setting}).transpose("concept", "step", "seed").values
            panel.plot(*path, color=COLOURS[i], linewidth=0.8, alpha=0.7)
            panel.plot([], [], color=COLOURS[i], label=label)
            panel.plot(int(name[0]), int(name[1]), "o", color=COLOURS[i], markersize=7, markeredgecolor="black")
        here = found.sel(setting=setting)
        for seed in found["seed"].values:
            turn = float(here["turn"].sel(seed=seed))
            if np.isfinite(turn):
                at = here["path"].sel({"class": "11", "seed": seed, "step": int(turn)}).values
                panel.plot(*at, "x", color="black")
        panel.set(xlabel="colour coordinate", title=title, xlim=(-0.7, 2), ylim=(-0.4, 1.4))
    row[0].set_ylabel("size coordinate")
    row[2].plot([], [], "x", color="black", label="turn")
    legend(row[2], outside="right")
    return figure


def signal(study: Results) -> Figure:
    """Speed against the concept signal, both concepts."""
    found: Any = study["forecast/discs"]
    data: Any = study["simulate/discs"]["concept_signal"]
    points = study.params("discs").simulate.points
    figure, (row,) = panels(1, 2, height=2.8)
    for panel, concept, colour in zip(row, ("colour", "size"), COLOURS, strict=False):
        speed, axis = found[f"speed_by_{concept}"], f"{concept}_separation"
        other = {"colour": "size", "size": "colour"}[concept]
        most = max(getattr(point, other) for point in points.values())
        names = {getattr(point, concept): name for name, point in points.items() if getattr(point, other) == most}
        place = np.array([float(data.sel(point=names[value], concept=concept)) for value in speed[axis].values])
        seeds = speed.transpose(axis, "seed").values
        panel.plot(place, seeds, ".-", color=colour, alpha=0.4, markersize=4, linewidth=0.6)
        interval_whiskers(
            panel, place, interval(speed, "seed"), color=colour, fmt="o", label="mean, 95 %; lines: seeds"
        )
        panel.locator_params(axis="x", nbins=5)
        panel.set(
            xlabel=f"concept signal of {concept} (RMS change of a pixel)", ylabel=named(speed, "speed"), ylim=(0, None)
        )
        legend(panel, loc="upper left")
    return figure


def hidden(study: Results) -> Figure:
    """Accuracy on the unseen class by protocol, how much sooner each comes, and a strip of pictures."""
    found: Any = study["forecast/discs"]
    aside: Any = study["forecast/random_direction"]
    figure, axes = panels(4, 2, height=1.45, height_ratios=[2.4, 2.4, 0.5, 0.5])
    for j, (setting, title) in enumerate(WEAK.items()):
        here, panel = found.sel(setting=setting, probed=setting), axes[0, j]
        steps, accuracy = here["step"].values, here["accuracy"].mean("seed")
        for i, (protocol, label) in enumerate(SAID.items()):
            panel.plot(steps, accuracy.sel(protocol=protocol).values, label=label, color=COLOURS[i])
        random = aside.sel(probed=setting, protocol="latent")
        panel.plot(steps, random["accuracy"].mean("seed").values, label="pushed at random", color=COLOURS[7])
        plain, pushed = (accuracy.sel(protocol=name).values for name in ("naive", "latent"))
        panel.fill_between(steps, plain, pushed, where=pushed > plain, color=COLOURS[1], alpha=0.15, linewidth=0)
        panel.axhline(0.8, color=COLOURS[7], linestyle=":", linewidth=0.8)
        turn = here["turn"].median()
        if np.isfinite(turn):
            panel.axvline(float(turn), color="black", linestyle="--", linewidth=0.8, label="turn (median)")
        log_axis(panel, "x", steps[[0, len(steps) // 2, -1]])
        panel.set(xlabel="update", title=title, ylim=(-0.03, 1.05))
        _sooner(axes[1, j], here, random)
    axes[0, 0].set_ylabel("accuracy on small blue")
    axes[1, 0].set_ylabel("octaves before the\nplain prompt's 80 %")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper")
    _strip(axes[2:], study)
    return figure


def _sooner(panel, here: Any, random: Any) -> None:
    """Octaves from each event to the plain prompt's 80 %: seeds, mean, 95 % interval; dotted is what is asked."""
    events = {
        "pushed": here["gain"].sel(protocol="latent"),
        "exaggerated": here["gain"].sel(protocol="over"),
        "random": random["gain"],
        "turn": np.log2(here["steps"].sel(protocol="naive") / here["turn"]),
    }
    for i, (octaves, colour) in enumerate(zip(events.values(), (*COLOURS[1:3], COLOURS[7], "black"), strict=True)):
        panel.plot(np.full(octaves.size, i - 0.15), octaves.values, ".", color=colour, alpha=0.4, markersize=4)
        centre = interval(octaves.expand_dims("event"), "seed")
        interval_whiskers(panel, [i], centre, color=colour, fmt="o")
    panel.axhline(0, color=COLOURS[0], linewidth=0.8)
    panel.plot([-0.35, 0.35], [GAIN, GAIN], color=COLOURS[7], linestyle=":")
    names(panel, "x", events)
    panel.set_xlim(-0.5, 3.5)


def _strip(axes, study: Results) -> None:
    """Pictures of the first seed at some checkpoints: by the plain prompt, then pushed by the middle dose."""
    picture: Any = study["train/discs"]["picture"]
    doses = study.params("discs").train.doses
    shown = np.linspace(1, picture.sizes["step"] - 1, 8).round().astype(int)
    for i, (prompt, label) in enumerate((("11", "plain"), (f"latent_{doses[len(doses) // 2]:g}", "pushed"))):
        for panel, setting in zip(axes[i], WEAK, strict=True):
            row = picture.sel(said=prompt, probed=setting).isel(step=shown).transpose("step", "y", "x", "channel")
            framed = np.pad(np.clip(row.values, 0, 1), ((0, 0), (0, 0), (0, 1), (0, 0)), constant_values=1)
            panel.imshow(np.concatenate(framed, 1), interpolation="nearest")
            wide = framed.shape[2]
            names(panel, "x", picture["step"].values[shown], (np.arange(len(shown)) + 0.5) * wide, rotation=90)
            panel.set_yticks([])
        axes[i, 0].set_ylabel(label)
    for panel in axes[0]:
        panel.set_xticks([])
    for panel in axes[1]:
        panel.set_xlabel("update")


def masked(study: Results) -> Figure:
    """Underspecified prompts: speed, final accuracies, information."""
    found: Any = study["forecast/discs"]
    figure, (row,) = panels(1, 3, height=2.8)
    share, speed = found["masked"].values, found["speed_by_mask"]
    row[0].plot(share, speed.transpose("masked", "seed").values, ".", color=COLOURS[0], alpha=0.4, markersize=4)
    interval_whiskers(row[0], share, interval(speed, "seed"), color=COLOURS[0], fmt="o-")
    row[0].set(ylabel=named(speed, "speed, plain prompt"), ylim=(0, None))
    for i, protocol in enumerate(("naive", "latent")):
        final = found["final_by_mask"].sel(protocol=protocol)
        place = share + 0.02 * i
        row[1].plot(place, final.transpose("masked", "seed").values, ".", color=COLOURS[i], alpha=0.4, markersize=4)
        interval_whiskers(row[1], place, interval(final, "seed"), color=COLOURS[i], fmt="o-", label=SAID[protocol])
    row[1].axhline(0.8, color=COLOURS[7], linestyle=":")
    row[1].set(ylabel="accuracy on small blue at the end", ylim=(-0.05, 1.35))
    row[1].set_yticks([0, 0.25, 0.5, 0.75, 1])
    legend(row[1], loc="upper right")
    for panel in row[:2]:
        panel.set_xlabel("share of prompts without colour")
    told: Any = study["entropy/discs"]["information"]
    for i, (setting, title) in enumerate(list(WEAK.items())):
        for concept, style in (("colour", "-"), ("size", "--")):
            values = told.sel(setting=setting, concept=concept).isel(step=slice(1, None))
            label, look = f"{title}: {concept}", {"color": COLOURS[i + 2], "linestyle": style}
            interval_band(row[2], values["step"].values, interval(values, "seed"), label=label, **look)
    steps = told["step"].values[1:]
    log_axis(row[2], "x", steps[[0, len(steps) // 2, -1]])
    row[2].set(xlabel="update", ylabel=named(told, "I(concept; picture)"), ylim=(-0.1, 1.7))
    legend(row[2], loc="upper left")
    return figure
