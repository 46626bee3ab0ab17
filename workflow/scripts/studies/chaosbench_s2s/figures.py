"""The study's figures: skill against lead, spectra and what training does to them, twins."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, named, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

SAID = {
    "persistence": ("persistence", COLOURS[7]),
    "damped": ("damped persistence", COLOURS[6]),
    "centre": ("centre, ensemble mean", COLOURS[2]),
    "control_run": ("centre, control run", COLOURS[5]),
    "unet": ("U-Net, one day", COLOURS[0]),
    "unet_rollout": ("U-Net, five days", COLOURS[3]),
    "unet_spectral": ("U-Net, spectral loss", COLOURS[4]),
    "fno": ("FNO", COLOURS[1]),
}
ARMS = ("unet_rollout", "unet_spectral")
MAPS = {
    "truth": "truth",
    "control_run": "centre, control run",
    "unet": "U-Net, one day",
    "unet_rollout": "U-Net, five days",
    "centre": "centre, mean",
}
WORST = 2.0
"""Errors over climatology's are drawn up to it."""


def skill(study: Results) -> Figure:
    """Error and correlation against lead, error by model and lead, and the ensemble's scores."""
    result: Any = study["forecast/surrogate"]
    figure, ((left, right), (heat, ensemble)) = panels(2, 2, height=2.9)
    lead, ratio = result["lead"].values, result["ratio"].mean("field", keep_attrs=True)
    shown = lead[(lead < 6) | (lead % 4 == 0)]
    for panel, values in ((left, ratio), (right, result["correlation"].mean("field", keep_attrs=True))):
        for model, (said, colour) in SAID.items():
            if model != "unet_spectral":
                worlds = values.sel(model=model).transpose("lead", "seed").values[1:]
                panel.plot(lead[1:], worlds, color=colour, lw=0.4, alpha=0.6)
                panel.plot(lead[1:], worlds.mean(1), color=colour, label=said)
        panel.set(xlabel="lead (day)", xlim=(0, lead[-1]))
        panel.axvspan(1, 3, color=COLOURS[7], alpha=0.15, lw=0)
    left.axhline(1, color="k", lw=0.8, ls="--")
    left.axvspan(30, lead[-1], color=COLOURS[7], alpha=0.15, lw=0)
    log_axis(left, "y", ticks=(0.02, 0.1, 0.5, 1, 2, 10))
    left.set(ylabel="RMSE over climatology's", ylim=(0.01, 50))
    right.axhline(0, color="k", lw=0.8)
    right.set(ylabel="anomaly correlation", ylim=(-0.4, 1.05))
    legend(left, outside="above", ncols=2)
    heat.imshow(
        ratio.mean("seed").values, vmin=0, vmax=WORST, cmap="RdBu_r", aspect="auto", extent=(-0.5, lead[-1] + 0.5, 8, 0)
    )
    names(heat, "y", [said for said, _ in SAID.values()], np.arange(8) + 0.5)
    heat.set(xlabel="lead (day)", title="RMSE ratio: blue 0, white 1, red 2 or more")
    for values in result["crpss"].transpose("start", "lead").values:
        ensemble.plot(lead, values, color=COLOURS[2], lw=0.4, alpha=0.5)
    found = interval(result["crpss"].sel(lead=shown), "start", "median")
    interval_band(ensemble, shown, found, label="CRPSS: median, each start thin", color=COLOURS[2])
    ensemble.plot(lead[1:], result["reliability"].values[1:], color=COLOURS[4], label="spread over error of the mean")
    ensemble.axhline(0, color="k", lw=0.8)
    ensemble.axvline(10, color=COLOURS[7], lw=0.8, ls=":")
    ensemble.set(xlabel="lead (day)", ylabel="score of the centre", xlim=(0, lead[-1]), ylim=(-0.6, 1.3))
    legend(ensemble, outside="above")
    return figure


def spectra(study: Results) -> Figure:
    """Spectral divergence against lead, spectra, what other trainings change, and maps of one day."""
    result: Any = study["forecast/surrogate"]
    figure, ((apart, power, arms), below) = panels(2, 3, height=2.6, height_ratios=(2.2, 1))
    lead = result["lead"].values
    shown = lead[1:]
    true = result["true_power"].mean("seed").values[20, 1:]
    whole = true.max()
    for model in ("control_run", "unet", "unet_rollout", "unet_spectral", "fno"):
        said, colour = SAID[model]
        worlds = result["specdiv"].sel(model=model, lead=shown).transpose("lead", "seed").values
        apart.plot(shown, worlds, color=colour, lw=0.4, alpha=0.6)
        apart.plot(shown, worlds.mean(1), color=colour, label=said)
        tail = result["power"].sel(model=model).mean("seed").values
        power.plot(np.arange(1, tail.shape[1]), tail[20, 1:] / whole, color=colour, lw=1)
    log_axis(apart, "y", ticks=(1e-3, 1e-2, 0.1, 1))
    apart.axvspan(18, 22, color=COLOURS[7], alpha=0.15, lw=0)
    apart.set(xlabel="lead (day)", ylabel=named(result["specdiv"]), xlim=(1, lead[-1]), ylim=(3e-4, 1))
    legend(apart, outside="above")
    power.plot(np.arange(1, len(true) + 1), true / whole, color="k", lw=1, ls="--", label="truth")
    power.axvspan(6, 10, color=COLOURS[7], alpha=0.15, lw=0)
    log_axis(power, "x", ticks=(1, 3, 10))
    log_axis(power, "y", ticks=(10, 1, 0.1, 1e-2, 1e-3))
    power.set(xlabel="wave number", ylabel="power, day 20\n(truth's largest: 1)", ylim=(3e-4, 20), xlim=(1, 12))
    legend(power, outside="above")
    trained(arms, study)
    grid = below[0].get_gridspec()
    for panel in below:
        panel.remove()
    strip(figure.add_subplot(grid[1, :]), result["map"].values)
    return figure


def strip(panel: Axes, maps: np.ndarray) -> None:
    """q1 of `MAPS` side by side, two empty columns between them."""
    points = maps.shape[-1]
    wide = np.concatenate([np.pad(one, ((0, 0), (0, 2)), constant_values=np.nan) for one in maps], 1)[:, :-2]
    image = panel.imshow(wide, vmin=-2.5, vmax=2.5, cmap="RdBu_r", origin="lower", aspect="auto")
    names(panel, "x", MAPS.values(), (points + 2) * np.arange(len(maps)) + points / 2 - 0.5)
    panel.set(yticks=[], ylabel="one start, day 20")
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    bar = panel.inset_axes((1.01, 0, 0.012, 1))
    panel.figure.colorbar(image, cax=bar, label="q1 (s.d.)", ticks=(-2, 0, 2))


def trained(panel: Axes, study: Results) -> None:
    """What C4, C5 and C6 compare: ratios to the net of one day, each world a dot, beside those of shuffled pairs."""
    rows: tuple[tuple[str, str, dict[str, str], float | None], ...] = (
        ("five days:\nRMSE 18-22", "rmse_relative", {"arm": "unet_rollout", "window": "18 to 22"}, 0.98),
        ("five days:\nRMSE 15-44", "rmse_relative", {"arm": "unet_rollout", "window": "15 to 44"}, 0.98),
        ("spectral:\nSpecDiv 1-10", "specdiv_relative", {"arm": "unet_spectral", "window": "1 to 10"}, 0.8),
        ("spectral:\nRMSE 1-10", "rmse_relative", {"arm": "unet_spectral", "window": "1 to 10"}, 1.05),
        ("sparse:\nRMSE 1", "sparse", {}, None),
    )
    for i, (case, colour) in enumerate((("surrogate", COLOURS[0]), ("shuffled_pairs", COLOURS[7]))):
        result: Any = study[f"forecast/{case}"]
        for place, (_, variable, at, limit) in enumerate(rows):
            values, x = result[variable].sel(at), place + 0.24 * (i - 0.5)
            panel.plot(np.full(values.size, x - 0.1), values, ".", color=colour, ms=3)
            interval_whiskers(
                panel,
                [x],
                interval(values.expand_dims("place"), "seed"),
                color=colour,
                label=case.replace("_", " ") if place == 0 else None,
            )
            if limit:
                panel.plot([place - 0.4, place + 0.4], [limit] * 2, "k:", lw=1)
    log_axis(panel, "y", ticks=(0.1, 0.2, 0.5, 1, 2))
    names(panel, "x", [said for said, *_ in rows], rotation=90)
    panel.set(ylabel="over the net of one day", ylim=(0.03, 2))
    legend(panel, outside="above")


def twins(study: Results) -> Figure:
    """Distance of twins against time in the surrogate and without advection, and what C7 judges."""
    figure, (left, rates, late) = (lambda f, a: (f, a[0]))(*panels(1, 3, height=2.9, width_ratios=(2.2, 1, 1)))
    both = {"surrogate": COLOURS[0], "wrong_world": COLOURS[7]}
    for place, (case, colour) in enumerate(both.items()):
        result: Any = study[f"entropy/{case}"]
        lead = result["lead"].values
        for i, values in enumerate(result["distance"].values):
            label = {"surrogate": "twins, each start", "wrong_world": "without advection"}[case] if i == 0 else None
            left.plot(lead, values, color=colour, lw=0.7, alpha=0.7, label=label)
        for panel, variable in ((rates, "rate_ratio"), (late, "saturation")):
            values = result[variable]
            panel.plot(np.full(values.size, place - 0.15), values, ".", color=colour, ms=4, alpha=0.6)
            interval_whiskers(panel, [place + 0.1], interval(values.expand_dims("place"), "start"), color=colour)
            names(panel, "x", ["surrogate", "without\nadvection"])
            panel.axhspan(0.8, 1.2, color=COLOURS[7], alpha=0.15 * (place == 0), lw=0)
            panel.set(xlim=(-0.6, 1.6))
    known: Any = study["entropy/surrogate"]
    days = lead[: len(lead) // 2]
    line = float(known["distance"][:, 0].mean()) * np.exp(float(known["exponent"]) * days)
    left.plot(days, line, "k--", lw=1, label="at lambda_1")
    left.axhline(2**0.5, color="k", lw=0.8, ls=":")
    note(left, "two independent states", (1, 1.5), va="bottom")
    log_axis(left, "y", ticks=(1e-3, 1e-2, 0.1, 1))
    left.set(xlabel="time (day)", ylabel="distance (climatological s.d.)", ylim=(1e-3, 4), xlim=(0, lead[-1]))
    legend(left, loc="lower right")
    rates.set_ylabel("growth in the first days over lambda_1")
    late.set_ylabel("late distance over sqrt(2) s.d.")
    return figure
