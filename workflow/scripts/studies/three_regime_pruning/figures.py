"""The study's figures: maps over load and temperature, what temperature does, and what the rules choose."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import LogNorm, TwoSlopeNorm
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_whiskers, legend, log_axis, named, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results
from studies.three_regime_pruning.landscape import REGIMES


def maps(study: Results) -> Figure:
    """Error, connectivity, similarity, information and regimes over load and temperature, mean over seeds."""
    scores: Any = study["forecast/task"]
    information: Any = study["entropy/task"]["information"]
    epochs = scores["epochs"].values
    told = information.isel(arm=slice(len(epochs))).rename(arm="epochs").assign_coords(epochs=epochs)
    figure, axes = panels(2, 3, width=8.4, height=2.8)
    error, excess, lmc, cka = (scores[n] for n in ("error", "normalised_error", "lmc", "cka"))
    reach = float(abs(lmc.mean("seed")).max()) or 1.0
    drawn = (
        (error, "test error", {"norm": LogNorm(), "cmap": "viridis_r"}),
        (excess, "above the best temperature's", {"cmap": "viridis_r", "vmin": 0}),
        (lmc, "LMC", {"cmap": "RdBu", "norm": TwoSlopeNorm(0, -reach, reach)}),
        (cka, "CKA", {"cmap": "viridis", "vmax": 1}),
        (told, "information between copies", {"cmap": "viridis_r", "vmin": 0}),
    )
    for panel, (values, title, look) in zip(axes.flat, drawn, strict=False):
        with_colours(figure, panel, values.mean("seed", skipna=False).assign_attrs(values.attrs), title, look)
    regimes(figure, axes[1, 2], scores)
    for panel in axes[:, 0]:
        panel.set_ylabel("epochs of dense training")
    for panel in axes[1]:
        panel.set_xlabel("density")
    return figure


def with_colours(figure: Figure, panel, values, title: str, look: dict[str, Any]) -> None:
    """One map, coolest temperature at the top as in the paper."""
    values = values.transpose("epochs", "density")
    image = panel.pcolormesh(values.values, **look)
    bar = figure.colorbar(image, ax=panel)
    bar.set_label(named(values, title))
    if isinstance(look.get("norm"), LogNorm):
        low, high = float(values.min()), float(values.max())
        log_axis(bar.ax, "y", plain_ticks(low, high))
    on_cells(panel, values)


def plain_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten between two numbers."""
    every = [m * 10.0**e for e in range(-4, 2) for m in (1, 2, 5)]
    return [tick for tick in every if low <= tick <= high]


def on_cells(panel, values) -> None:
    for which, dim in (("x", "density"), ("y", "epochs")):
        places = np.arange(values.sizes[dim]) + 0.5
        names(panel, which, [f"{value:g}" for value in values[dim].values], places, 90 if which == "x" else 0)


def regimes(figure: Figure, panel, scores) -> None:
    """Shares of seeds in which a cell lies in Regime I, II-A or II-B, the most frequent one named."""
    cells = scores["regime_cell"].transpose("epochs", "density", "seed")
    share = np.stack([(cells.values == i).mean(-1) for i in range(len(REGIMES))])
    hues = np.array([[0.84, 0.37, 0.0], [0.34, 0.71, 0.91], [0.0, 0.62, 0.45]])
    panel.imshow(np.einsum("rtd,rc->tdc", share, hues), origin="lower", aspect="auto", extent=_extent(cells))
    for (row, column), most in np.ndenumerate(share.argmax(0)):
        note(panel, REGIMES[most], (column + 0.5, row + 0.5), ha="center", va="center")
    on_cells(panel, cells)
    panel.set_title("most frequent regime")


def _extent(cells) -> tuple[float, float, float, float]:
    return 0, cells.sizes["density"], 0, cells.sizes["epochs"]


def temperature(study: Results) -> Figure:
    """Error against temperature at each load, the best temperature against the load, and two loads compared."""
    scores: Any = study["forecast/task"]
    error = scores["error"]
    figure, (row,) = panels(1, 3, height=3.0)
    for i, density in enumerate(error["density"].values):
        found = interval(error.sel(density=density), "seed")
        place = error["epochs"].values * 1.03 ** (i - 2.5)
        interval_whiskers(row[0], place, found, fmt="o-", color=COLOURS[i % 8], label=f"{density:g}", markersize=3)
    row[0].set(ylabel=named(error), xlabel="epochs of dense training")
    log_axis(row[0], "y", plain_ticks(float(error.min()), 1))
    legend(row[0], title="density", outside="above", ncols=3)
    log_axis(row[0], "x", error["epochs"].values[:: 1 + len(error["epochs"]) // 8])
    labelled_cases = (("task", "labels with noise"), ("clean_labels", "true labels"))
    for i, (case, label) in enumerate(labelled_cases):
        one: Any = study[f"forecast/{case}"]
        best = interval(one["best"], "seed")
        ends = best._replace(**{end: 2 ** getattr(best, end) for end in ("centre", "low", "high")})
        interval_whiskers(row[1], one["density"].values * 1.04**i, ends, label=label, fmt="o-", color=COLOURS[i])
        cells = one["cell_error"]
        gain = cells.sel(temperature="hot") - cells.sel(temperature="cool")
        interval_whiskers(row[2], np.arange(2) + 0.1 * i, interval(gain, "seed"), label=label, color=COLOURS[i])
    log_axis(row[1], "x", error["density"].values)
    row[1].tick_params("x", rotation=90)
    log_axis(row[1], "y", error["epochs"].values[:: 1 + len(error["epochs"]) // 8])
    row[1].set(xlabel="density", ylabel="best epochs of dense training", ylim=(0.8, None))
    cells = study.params("task").forecast.cells
    names(row[2], "x", [f"density {cells.low:g}", f"density {cells.high:g}"])
    row[2].axhline(0, color=COLOURS[7], linewidth=0.8)
    row[2].set(ylabel=f"test error, {cells.hot} less {cells.cool} epochs", xlim=(-0.4, 1.5))
    for panel in row[1:]:
        legend(panel, outside="above", ncols=1)
    return figure


def choices(study: Results) -> Figure:
    """What the landscape's rules win over the plain ways that they are judged against: paired differences."""
    scores: Any = study["forecast/task"]
    control: Any = study["forecast/same_copies"]
    figure, (row,) = panels(1, 3, height=3.2)
    drawn = (
        ("accuracy", "predictor", "majority", "C4: accuracy"),
        ("regret", "selector", "dense accuracy", "C5: regret"),
        ("tuned_error", "choice", "default", "C6: test error"),
    )
    for panel, (variable, dim, reference, title) in zip(row, drawn, strict=True):
        gain, empty = (
            (one[variable] - one[variable].sel({dim: reference}, drop=True)).assign_attrs(one[variable].attrs)
            for one in (scores, control)
        )
        others = [choice for choice in gain[dim].values if choice != reference]
        for i, choice in enumerate(others):
            own = gain.sel({dim: choice}).values
            panel.plot(i + np.linspace(-0.3, -0.12, own.size), own, ".", color=COLOURS[7], markersize=3)
        style = {"label": "task", "color": COLOURS[0]}
        interval_whiskers(panel, np.arange(len(others)), interval(gain.sel({dim: others}), "seed"), **style)
        style = {"label": "copies the same", "color": COLOURS[1]}
        interval_whiskers(panel, [0.2], interval(empty.sel({dim: others[:1]}), "seed"), **style)
        panel.axhline(0, color=COLOURS[6], linewidth=0.8)
        names(panel, "x", others, rotation=30)
        panel.set(ylabel=named(gain, f"less that of {reference}"), title=title, xlim=(-0.6, len(others) - 0.4))
    legend(row[0], outside="above", ncols=2, bbox_to_anchor=(0.0, 1.08))
    return figure
