"""The study's figures: runs in time, steady states, and exactness, orders and samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, legend, log_axis, names, panels
from pesin.steps.results import Results

SPINS = {"x": r"$\langle\sigma_x\rangle$", "y": r"$\langle\sigma_y\rangle$", "z": r"$\langle\sigma_z\rangle$"}
METHODS = {"transformer": ("o", COLOURS[0]), "rbm": ("s", COLOURS[1]), "product": ("^", COLOURS[7])}
SAID = {"transformer": "transformer", "rbm": "Boltzmann machine", "product": "product of sites"}
TIME = r"time ($1/\gamma$)"
FIELD = r"field $g/\gamma$"
ERROR, FIDELITY, DISTANCE = 0.03, 0.98, 0.06
"""What the claims accept."""
SLOW, INDEPENDENT = 3, (0.9, 1.1)
EXACT = {"round_trip": 1e-12, "propagated": 1e-10}
FLOOR = 1e-6


def paths(study: Results) -> Figure:
    """Spins and distances; entropies, relative entropy and negative weight."""
    scores: Any = study["forecast/states"]
    states: Any = study["entropy/states"]
    time = scores["time"].values
    figure, ((one, two, far), (entropies, way, negative)) = panels(2, 3, height=2.4)
    for panel, drive in ((one, 0), (two, 1)):
        spins_in_time(panel, scores.isel(drive=drive), time)
        panel.set(title=f"g = {float(scores['drive'][drive]):g}", ylim=(-1.3, 1.05))
    one.set_ylabel("mean spin")
    legend(one, ncols=3, loc="lower left", handlelength=1, columnspacing=0.8, handletextpad=0.4)
    first = scores.isel(drive=0)
    for seed, curve in enumerate(first["moving_distance"].values):
        far.plot(time, curve.clip(FLOOR), color=COLOURS[0], lw=0.8, label="_" if seed else "network, each seed")
    far.plot(time[1:], first["step_distance"].values[1:], "k--", lw=1, label="trapezoid alone")
    far.axhspan(FLOOR, DISTANCE, color=COLOURS[2], alpha=0.12, lw=0)
    log_axis(far, "y")
    far.set(xlabel=TIME, ylabel="total variation", ylim=(1e-5, 1))
    legend(far, loc="lower right", handlelength=1.5)
    own = states.isel(drive=0)
    for i, (name, label) in enumerate((("shannon", "outcomes"), ("neumann", "von Neumann"), ("renyi", "Renyi 2"))):
        entropies.plot(time, own[f"exact_{name}"], color=COLOURS[i], lw=1, label=label)
        dots(entropies, time, own[name].mean("drive_seed").values, COLOURS[i])
    entropies.set(xlabel=TIME, ylabel="entropy (nat)", ylim=(-0.3, 8))
    legend(entropies, loc="upper right", handlelength=1.2, labelspacing=0.2)
    for drive in range(2):
        label = f"g = {float(states['drive'][drive]):g}"
        way.plot(time, states["exact_to_steady"].isel(drive=drive), color=COLOURS[drive], lw=1, label=label)
        dots(way, time, states["to_steady"].isel(drive=drive).mean("drive_seed").values, COLOURS[drive])
        negative.plot(time, states["negative"].isel(drive=drive).mean("drive_seed"), color=COLOURS[drive], label=label)
    way.set(xlabel=TIME, ylabel="relative entropy\nto the steady state (nat)")
    negative.set(xlabel=TIME, ylabel="weight of\nnegative eigenvalues")
    legend(way)
    return figure


def dots(panel: Axes, time: np.ndarray, y: np.ndarray, colour: str) -> None:
    """Every fourth time, so that the line shows."""
    panel.plot(time[::4], y[::4], "o", color=colour, markersize=3, label="_network")


def spins_in_time(panel: Axes, scores: Any, time: np.ndarray) -> None:
    """Exact lines, network's dots."""
    mean = scores["moving_spins"].mean("drive_seed")
    for i, (axis, label) in enumerate(SPINS.items()):
        panel.plot(time, scores["exact_moving_spins"].sel(axis=axis), color=COLOURS[i], lw=1, label=label)
        dots(panel, time, mean.sel(axis=axis).values, COLOURS[i])
    panel.set_xlabel(TIME)


def steady_states(study: Results) -> Figure:
    """Spins against the field by method; errors, infidelities, and the rectangle."""
    scores: Any = study["forecast/states"]
    figure, (above, (error, infidelity, flat)) = panels(2, 3, height=2.4)
    field = scores["field"].values
    for panel, (axis, label) in zip(above, SPINS.items(), strict=True):
        panel.plot(field, scores["exact_spins"].sel(axis=axis), "k-", lw=1, label="exact")
        for name, (marker, colour) in METHODS.items():
            found = scores["spins"].sel({"method": name, "axis": axis}).median("seed")
            panel.plot(field, found, marker, color=colour, markersize=4, mfc="none", label=SAID[name])
        panel.set(xlabel=FIELD, ylabel=label)
    figure.legend(*above[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    for name, (marker, colour) in METHODS.items():
        style = {"color": colour, "markersize": 4, "lw": 0.8}
        error.plot(field, scores["spin_error"].sel({"method": name}).clip(FLOOR), f"{marker}-", **style)
        infidelity.plot(field, (1 - scores["fidelity"].sel({"method": name})).clip(FLOOR), f"{marker}-", **style)
    in_plane = {"color": COLOURS[3], "markersize": 5, "lw": 0, "mfc": "none"}
    where = scores["plane_field"].values
    error.plot(where, scores["plane_error"].clip(FLOOR), "D", label="rectangle", **in_plane)
    infidelity.plot(where, (1 - scores["plane_fidelity"]).clip(FLOOR), "D", **in_plane)
    legend(error, loc="lower right", handletextpad=0.2)
    for panel, edge, label in (
        (error, ERROR, "largest error of a mean spin"),
        (infidelity, 1 - FIDELITY, "infidelity 1 - F"),
    ):
        log_axis(panel, "y")
        low = panel.get_ylim()[0]
        panel.axhspan(low / 10, edge, color=COLOURS[2], alpha=0.12, lw=0)
        panel.set(xlabel=FIELD, ylabel=label, ylim=(low, None))
    for i, (axis, label) in enumerate(SPINS.items()):
        flat.plot(where, scores["plane_exact_spins"].sel(axis=axis), color=COLOURS[i], lw=1, label=label)
        flat.plot(where, scores["plane_spins"].sel(axis=axis).median("plane_seed"), "o", color=COLOURS[i], markersize=4)
    flat.set(xlabel=FIELD, ylabel="mean spin", title="rectangle")
    legend(flat, loc="lower right", handlelength=1.2, labelspacing=0.2)
    return figure


def orders_and_samples(study: Results) -> Figure:
    """Errors of the map; asymmetry and correlation errors by order, each seed; correlation times."""
    scores: Any = study["forecast/states"]
    chain: Any = study["entropy/states"]
    fresh: Any = study["entropy/independent_chain"]
    figure, ((exact, left, apart, middle, right),) = panels(1, 5, height=2.5)
    for i, (name, limit) in enumerate(EXACT.items()):
        found = scores[name].values
        exact.plot(i + np.linspace(-0.25, 0.25, found.size), found.clip(1e-18), "o", color=COLOURS[i], markersize=2)
        exact.plot([i - 0.4, i + 0.4], [limit, limit], color=COLOURS[7], lw=0.8)
    log_axis(exact, "y")
    names(exact, "x", ["there\nand back", "followed\nas p"])
    exact.set(ylabel="error of a state", xlim=(-0.5, 1.5), ylim=(1e-17, 1e-9))
    orders = list(scores["order"].values)
    for panel, name in ((left, "asymmetry"), (apart, "shifted_distance"), (middle, "zz_error")):
        panel.plot(range(len(orders)), scores[name].values.clip(FLOOR), "o-", color=COLOURS[0], markersize=3, lw=0.6)
        names(panel, "x", orders)
        panel.set(xlim=(-0.4, len(orders) - 0.6))
    log_axis(left, "y")
    left.set(ylabel="distance from its shifts", title="each seed")
    apart.set(ylabel="error of the mean of its shifts", ylim=(0, None), title="each seed")
    middle.set(ylabel=r"error of neighbours' $\langle\sigma_z\sigma_z\rangle$", ylim=(0, None), title="each seed")
    times = {
        "samples": chain["ancestral_time"],
        "chain, steps": chain["chain_time"],
        "chain, sweeps": chain["sweep_time"],
        "sweeps, even p": chain["even_time"],
        "fresh draws": fresh["chain_time"],
    }
    for i, found in enumerate(times.values()):
        spread = i + np.linspace(-0.15, 0.15, found.size)
        right.plot(spread, found.values, "o", color=COLOURS[i], markersize=3)
    right.axhspan(*INDEPENDENT, color=COLOURS[2], alpha=0.12, lw=0)
    right.axhline(SLOW, color=COLOURS[7], lw=0.8, ls="--")
    log_axis(right, "y", ticks=[1, 3, 10, 30])
    names(right, "x", list(times), rotation=35)
    right.set(ylabel="correlation time", xlim=(-0.5, len(times) - 0.5))
    return figure
