"""The study's figures: letters, crossing populations, losses, distances, diversity, embeddings, patients."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, named, names, panels, whiskers
from pesin.stats.intervals import interval
from pesin.steps.results import Results

GREY = COLOURS[7]
SAID = {
    "none": "FM",
    "label": "CGFM",
    "mean": "mean only",
    "sets": "deep sets",
    "graph": "MFM",
    "wide_graph": "MFM, many\nneighbours",
    "attention": "attention",
    "identity": "at rest",
    "mean_shift": "true shift\nof the mean",
    "affine_transport": "affine\ntransport",
    "before": "source",
    "after": "target",
}


def said(models) -> list[str]:
    """What axes call the arms."""
    return [SAID[str(model)] for model in models]


def letters(study: Results) -> Figure:
    """One rotation of each held-out letter: source, what FM and MFM make of it, target."""
    result: Any = study["forecast/populations"]
    cloud = result["letters/cloud"]
    what = ["before", "none", "graph", "after"]
    figure, axes = panels(cloud.sizes["shown"], len(what), height=1.9, width=6.4, sharex=True, sharey=True)
    for row, shown in zip(axes, range(cloud.sizes["shown"]), strict=True):
        for panel, name in zip(row, what, strict=True):
            x = cloud.sel(what=name).isel(shown=shown).values
            panel.plot(x[:, 0], x[:, 1], ".", markersize=2, color=COLOURS[what.index(name)])
            panel.set(xlim=(-5, 5), ylim=(-5, 5), aspect="equal")
    for panel, title in zip(axes[0], said(what), strict=True):
        panel.set_title(title)
    return figure


def crossing(study: Results) -> Figure:
    """Where points of two populations go, truly and by FM and MFM."""
    result: Any = study["forecast/populations"]
    cloud = result["drift/cloud"]
    figure, axes = panels(1, 3, height=2.5, sharex=True, sharey=True)
    for panel, name in zip(axes[0], ("after", "none", "graph"), strict=True):
        for shown in range(cloud.sizes["shown"]):
            start, end = (cloud.sel(what=what).isel(shown=shown).values for what in ("before", name))
            way = end - start
            panel.quiver(*start.T, *way.T, angles="xy", scale_units="xy", scale=1, width=0.004, color=COLOURS[shown])
            panel.plot(*start.mean(0), "x", color=COLOURS[6])
        panel.set(title="true" if name == "after" else SAID[name], xlabel="x", aspect="equal")
    axes[0, 0].set_ylabel("y")
    return figure


def losses(study: Results) -> Figure:
    """Loss on new populations by arm, with the floor of a field of place and time, for both worlds of particles."""
    figure, axes = panels(1, 2, height=2.9)
    for panel, world, title in zip(
        axes[0], ("drift", "shape"), ("moved by the mean", "moved by the shape"), strict=True
    ):
        for case, colour, label in (
            ("shuffled_embeddings", GREY, "others' embeddings"),
            ("populations", COLOURS[0], "own"),
        ):
            found: Any = study[f"entropy/{case}"]
            loss = found[f"{world}/loss"]
            whiskers_of = interval(loss, "seed")
            interval_whiskers(panel, np.arange(loss.sizes["model"]), whiskers_of, label=label, color=colour)
        floor = interval(found[f"{world}/floor"].values).centre
        panel.axhline(floor, color=COLOURS[1], linestyle="--", linewidth=0.8, label="least of place and time alone")
        names(panel, "x", said(loss["model"].values), rotation=30)
        panel.set(title=f"{title}; bars 95 % over seeds", ylabel=named(loss, "loss"))
        log_axis(panel, "y", [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50])
    legend(axes[0, 0], "above", ncols=2)
    return figure


def distances(study: Results) -> Figure:
    """W2 to the paired target, and to another draw above the floor, by arm, over held-out populations."""
    figure, axes = panels(1, 2, height=2.9)
    sets = (("w2", "W2 to the paired target"), ("above_floor", "W2 to another draw, above the floor"))
    for panel, (name, title) in zip(axes[0], sets, strict=True):
        for case, colour, label in (
            ("shuffled_embeddings", GREY, "others' embeddings"),
            ("populations", COLOURS[0], "own"),
        ):
            found: Any = study[f"forecast/{case}"]
            values = found[f"drift/{name}"].drop_sel(model="mean_shift")
            centre = interval(values.mean("seed"), "population")
            interval_whiskers(panel, np.arange(values.sizes["model"]), centre, label=label, color=colour)
        names(panel, "x", said(values["model"].values), rotation=30)
        panel.set(title=title, ylabel="W2", ylim=(0, None))
    legend(axes[0, 0])
    return figure


def diversity(study: Results) -> Figure:
    """W2 of held-out populations against the number of training populations, by seed; FM's as a line."""
    figure, axes = panels(1, 1, height=2.9, width=4.2)
    panel = axes[0, 0]
    for case, colour, label in (
        ("shuffled_embeddings", GREY, "others' embeddings"),
        ("populations", COLOURS[0], "MFM"),
    ):
        found: Any = study[f"forecast/{case}"]
        values = found["drift/w2_by_size"]
        panel.plot(values["size"], values.transpose("size", "seed"), ".", color=colour, alpha=0.6)
        interval_band(panel, values["size"].values, interval(values, "seed"), label=label, color=colour)
    best = found["drift/w2"].sel(model="none").mean()
    panel.axhline(float(best), color=COLOURS[1], linestyle="--", linewidth=0.8, label="FM, all populations")
    log_axis(panel, "x", values["size"].values)
    panel.set(xlabel="training populations", ylabel=named(values, "W2 to the paired target"), ylim=(0, None))
    legend(panel)
    return figure


def embeddings(study: Results) -> Figure:
    """Principal components of the embedding by what they should know; changes of entropy."""
    result: Any = study["entropy/populations"]
    figure, axes = panels(1, 3, height=2.6)
    for panel, world, title in zip(
        axes[0], ("drift", "shape"), ("moved by the mean", "moved by the shape"), strict=False
    ):
        scores = result[f"{world}/scores"].isel(seed=0)
        colour = result[f"{world}/statistic"].isel(seed=0, part=0)
        drawn = panel.scatter(*scores.transpose("component", "fresh").values, c=colour, s=4, cmap="viridis")
        known = "x of the mean" if world == "drift" else "log ratio of eigenvalues"
        figure.colorbar(drawn, ax=panel, location="bottom", label=known)
        panel.set(title=title, xlabel="component 1", ylabel="component 2")
    panel, change = axes[0, 2], result["drift/entropy_change"].mean("seed", keep_attrs=True)
    for i, name in enumerate(("FM", "MFM")):
        panel.hist(change.isel(arm=i), np.linspace(-3, 0.5, 36), color=COLOURS[i], alpha=0.6, label=name)
    panel.axvline(float(result["drift/exact_change"]), color=COLOURS[6], linestyle="--", linewidth=0.8, label="exact")
    panel.set(xlabel=named(change, "change of entropy"), ylabel="held-out populations")
    legend(panel)
    return figure


def patients(study: Results) -> Figure:
    """Distances of every held-out patient above those of MFM."""
    result: Any = study["forecast/populations"]
    values = result["organoids/by_patient"]
    others = [str(model) for model in values["model"].values if model != "graph"]
    figure, axes = panels(1, values.sizes["distance"], height=2.7)
    for panel, distance in zip(axes[0], values["distance"].values, strict=True):
        apart = values.sel(distance=distance, model=others) - values.sel(distance=distance, model="graph")
        found = interval(apart, "patient")
        for i in range(len(others)):
            panel.plot(np.full(apart.sizes["patient"], i), apart.isel(model=i), ".", color=GREY, markersize=3)
        whiskers(panel, np.arange(len(others)), found.centre, found.low, found.high, color=COLOURS[0])
        panel.axhline(0, color=COLOURS[6], linewidth=0.6)
        names(panel, "x", said(others), rotation=30)
        panel.set(title=str(distance).upper())
    axes[0, 0].set_ylabel("distance less that of MFM")
    return figure
