"""The figures of generalized_teacher_forcing."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from pesin.plot.style import (
    COLOURS,
    interval_band,
    interval_whiskers,
    legend,
    log_axis,
    named,
    names,
    note,
    panels,
)
from pesin.stats.intervals import Estimate, interval
from pesin.steps.results import Results

LABELS = {
    "gtf": "GTF, chosen α",
    "agtf": "annealed α",
    "sparse_tf": "sparse forcing",
    "bptt": "BPTT (α = 0)",
    "full_tf": "full forcing (α = 1)",
    "esn": "echo state network",
    "sindy": "SINDy (true library)",
    "var": "VAR(1)",
    "constant": "forecast at rest",
    "true_orbit": "second true orbit",
}


LARGEST = 8.0
"""Decimal logarithm at which the axis of gradient norms ends; larger ones stand there as triangles."""
D_STSP = r"$D_{\mathrm{stsp}}$"


def gradients(study: Results) -> Figure:
    """F1: products of Jacobians over T, gradients against the window's length, and the largest met in training."""
    figure, axes = panels(1, 3, height=2.9)
    products, training = study["entropy/random_networks"], study["train/lorenz63"].to_dataset().isel(noise=0)
    left, middle, right = axes[0]
    log10 = products.log_norm / np.log(10)
    for colour, fraction in zip(COLOURS, products.fraction.values, strict=False):
        values = log10.sel(fraction=fraction)
        left.plot(products.steps, values.transpose("steps", "network"), color=colour, linewidth=0.3, alpha=0.5)
        found = interval(values, "network", "median")
        interval_band(left, products.steps.values, found, label=f"{fraction:g} α*", color=colour)
    slope = interval(products.lyapunov_exponent, "network", "median").centre / np.log(10)
    left.plot(products.steps, slope * products.steps, "k--", linewidth=1, label="exp(λ₁T)")
    left.axhline(0, color="0.6", linewidth=0.8, zorder=0)
    left.set(xlabel="steps T", ylabel="log₁₀ ‖product of Jacobians‖")
    left.set(xlabel=f"steps T, {products.sizes['network']} random networks")
    legend(left, outside="above", ncols=2)
    _windows(middle, training, float(study["simulate/lorenz63"].dt), float(study["simulate/lorenz63"].lyapunov_true))
    peak = training.log10_max_gradient_norm
    _sweep(right, peak.clip(max=LARGEST), "median", "largest norm in training")
    beyond = peak.where(peak > LARGEST)
    right.plot(
        peak.alpha, xr.where(beyond.notnull(), LARGEST, np.nan).transpose("alpha", "seed"), "^", color=COLOURS[1]
    )
    right.set(xlabel="forcing α in training", ylabel=named(peak, "log₁₀ largest gradient norm"))
    return figure


def _windows(ax, training, dt: float, exponent: float) -> None:
    """Gradient norm of one network against the length of the window, for each forcing: mean over seeds."""
    norms = training.log_gradient_norm / np.log(10)
    time = training.steps.values * dt
    for colour, alpha in zip(COLOURS, norms.alpha.values, strict=False):
        interval_band(ax, time, interval(norms.sel(alpha=alpha), "seed"), label=f"α = {alpha:g}", color=colour)
    start = float(norms.sel(alpha=0).isel(steps=0).mean("seed"))
    ax.plot(time, start + exponent * (time - time[0]) / np.log(10), "k--", linewidth=1, label="exp(λ₁t)")
    ax.set(xlabel="window (time units)", ylabel="log₁₀ gradient norm")
    legend(ax, outside="above", ncols=2)


def alpha_sweep(study: Results) -> Figure:
    """F2: reconstruction against alpha."""
    figure, axes = panels(1, 2)
    left, right = axes[0]
    scores = study["entropy/lorenz63"].isel(noise=0)
    for ax, name, short in ((left, "d_stsp", D_STSP), (right, "d_hellinger", "Hellinger distance $D_H$")):
        _scores(ax, scores, name)
        ax.set(xlabel="forcing α", ylabel=named(scores[name], short))
    within = scores.d_stsp_interval
    look = {"color": COLOURS[1], "linewidth": 2.5}
    left.vlines(scores.alpha + 0.02, within.sel(end="low"), within.sel(end="high"), zorder=3, **look)
    right.plot([], [], label="one run, 95 % bootstrap", **look)
    log_axis(left, "y", [0.2, 0.5, 1, 2, 5, 10])
    right.set_ylim(bottom=0)
    legend(right, outside="above", ncols=2)
    return figure


def attractors(study: Results) -> Figure:
    """F3: true and generated butterflies."""
    scores = study["entropy/lorenz63"].isel(noise=0)
    figure, axes = panels(1, 4, height=2.0, sharex=True, sharey=True)
    for ax, (name, title) in zip(axes[0], _shown(scores).items(), strict=True):
        orbit = scores.orbit.sel(shown=name).values
        ax.plot(orbit[:, 0], orbit[:, 2], color="k" if name == "true" else COLOURS[0], linewidth=0.4)
        ended = orbit[-1, [0, 2]]
        if not np.isfinite(orbit).all():
            note(ax, "diverged", (0, 0), ha="center", va="center")
        elif np.ptp(orbit, axis=0).max() < 1e-3:
            ax.plot(*ended, "o", color=COLOURS[1], markersize=5)
            note(ax, "died on a fixed point", (0, -2.2), ha="center")
        ax.set_title(title)
        ax.set(xlabel="x, standardised")
    axes[0, 0].set(ylabel="z, standardised", xlim=(-2.8, 2.8), ylim=(-2.8, 2.8))
    return figure


def power_spectra(study: Results) -> Figure:
    """F4: spectra of the true and the generated orbits."""
    scores = study["entropy/lorenz63"].isel(noise=0)
    figure, axes = panels(1, 1, width=4.8, height=3.0)
    ax = axes[0, 0]
    for (name, label), colour in zip(_shown(scores).items(), ("k", *COLOURS), strict=False):
        spectrum = scores.spectrum.sel(shown=name)
        last = scores.orbit.sel(shown=name).values
        alive = bool(np.isfinite(spectrum).all() and np.ptp(last, axis=0).max() > 1e-3)
        ax.plot(
            scores.frequency,
            spectrum if alive else np.full(spectrum.shape, np.nan),
            color=colour,
            label=label if alive else f"{label}: no spectrum (died)",
            linewidth=1.8 if name == "true" else 1.1,
        )
    log_axis(ax, "y")
    ax.set(xlim=(0, 6), ylim=(1e-5, 20), ylabel=named(scores.spectrum, "power of x"))
    ax.set_xlabel(f"frequency (1 / {scores.spectrum.attrs['units']})")
    legend(ax)
    return figure


def annealing(study: Results) -> Figure:
    """F5: the annealed alpha during training."""
    training = study["train/lorenz63"].to_dataset().isel(noise=0)
    scores = study["entropy/lorenz63"].isel(noise=0)
    figure, axes = panels(1, 2)
    left, right = axes[0]
    updates, best = training["update"].values, float(scores.best_alpha)
    for seed in training.seed.values:
        alpha = training.forcing_strength.sel(forcing="adaptive", seed=seed)
        left.plot(updates, alpha, color=COLOURS[0], linewidth=0.9, label=None if seed else "one seed")
    left.axhline(best, color=COLOURS[1], linestyle="--", label=f"best constant α = {best:g}")
    left.set(xlabel="update", ylabel=named(training.forcing_strength, "annealed α"), ylim=(0, 1))
    legend(left)
    for colour, forcing in zip(COLOURS, ("adaptive", f"{best:g}", "1"), strict=False):
        found = interval(training.loss.sel(forcing=forcing), "seed", "median")
        label = "annealed α" if forcing == "adaptive" else f"α = {forcing}"
        interval_band(right, updates, found, label=label, color=colour, linewidth=1)
    right.set(xlabel="update", ylabel=named(training.loss, "training loss, median over seeds"))
    log_axis(right, "y")
    legend(right)
    return figure


def methods(study: Results) -> Figure:
    """F6: all methods side by side."""
    scores, ahead = study["entropy/lorenz63"].isel(noise=0), study["forecast/lorenz63"].isel(noise=0)
    figure, axes = panels(1, 2, height=3.0, sharey=True)
    left, right = axes[0]
    rows = list(scores.method.values)[::-1]
    _rows(left, scores.method_d_stsp, rows)
    _rows(right, ahead.method_lyapunov_times, rows)
    left.set_xlabel(named(scores.method_d_stsp, D_STSP))
    right.set_xlabel(named(ahead.method_lyapunov_times, "valid prediction time"))
    log_axis(left, "x", [0.2, 0.5, 1, 2, 5, 10])
    right.set_xlim(left=0)
    names(left, "y", (LABELS[name] for name in rows))
    figure.suptitle("Lorenz-63 with 5 % noise: median over seeds (dots: seeds)")
    return figure


def _rows(ax, values, rows: list[str]) -> None:
    """Median and interval over the seeds, a row for each method that was scored, lying; a cross if seeds failed."""
    for name in values.method.values:
        one, row = values.sel({"method": name}), rows.index(name)
        colour = COLOURS[0] if name in ("gtf", "agtf") else "0.35"
        found = interval(one, "seed", "median")
        ax.plot(one, np.full(one.size, row), "o", color=colour, alpha=0.35, markersize=3)
        ax.plot(found.centre, row, "x" if found.failed else "D", color=colour, markersize=5)
        low, high = float(found.low), float(found.high)
        if np.isfinite([low, high]).all():
            ax.plot([low, high], [row, row], "|-", color=colour, linewidth=1)
    ax.grid(axis="x", color="0.9")


def noise_sweep(study: Results) -> Figure:
    """Beyond the paper: does the best alpha move with the noise?"""
    scores = study["entropy/noise_sweep"]
    figure, axes = panels(1, 2, gridspec_kw={"width_ratios": [1.6, 1]})
    left, right = axes[0]
    excess = scores.full_tf_excess
    for level, (colour, noise) in enumerate(zip(COLOURS, scores.noise.values, strict=False)):
        _few_seeds(left, scores.d_stsp.sel(noise=noise), f"noise {100 * noise:g} %", colour, 0.006 * (level - 1))
        one = excess.sel(noise=noise)
        right.plot(np.full(one.size, level), one.values, "o", color=colour, alpha=0.4, markersize=4)
        right.plot(level, one.median("seed"), "_", color=colour, markersize=14)
    log_axis(left, "y", [1, 2, 5, 10])
    _at_rest(left, scores)
    left.set(xlabel="forcing α", ylabel=named(scores.d_stsp, D_STSP))
    legend(left, outside="above", ncols=4)
    right.axhline(0, color="0.6", linewidth=0.8, zorder=0)
    names(right, "x", (f"{100 * noise:g} %" for noise in scores.noise.values))
    right.set(xlabel="observation noise", ylabel=named(excess, "excess of full forcing"), xlim=(-0.5, None))
    return figure


def ecg(study: Results) -> Figure:
    """The surrogate: a synthetic electrocardiogram, its reconstruction and the sweep over alpha."""
    scores, dt = study["entropy/ecg"].isel(noise=0), study["simulate/ecg"].dt
    figure, axes = panels(1, 2, gridspec_kw={"width_ratios": [1.4, 1]})
    left, right = axes[0]
    points = min(600, scores.sizes["step"])
    shown = {name: label for name, label in _shown(scores).items() if name != "weakest"}
    for offset, ((name, label), colour) in enumerate(zip(shown.items(), ("k", *COLOURS), strict=False)):
        trace = scores.orbit.sel(shown=name).isel(dim=0, step=slice(-points, None)).values
        shifted = np.where(np.abs(trace) < 8, trace, np.nan) - 8 * offset
        left.plot(float(dt) * np.arange(points), shifted, color=colour, linewidth=0.9, label=label)
    left.set(xlabel=named(dt, "time"), ylabel="voltage, each shifted by 8 sd", ylim=(-22, 8), yticks=[])
    legend(left, outside="above", ncols=3)
    _few_seeds(right, scores.d_stsp, "constant α", COLOURS[0])
    _at_rest(right, scores)
    floor = scores.method_d_stsp.sel({"method": "true_orbit"}).median("seed")
    right.axhline(float(floor), color="0.3", linestyle="--", linewidth=1, label="floor: true orbits")
    right.set(xlabel="forcing α", ylabel=named(scores.d_stsp, D_STSP), ylim=(0, None))
    legend(right, outside="above")
    return figure


def _few_seeds(ax, values, label: str, colour: str, shift: float = 0.0) -> None:
    """Values (alpha, seed) of too few seeds for an interval: each seed, and their median as a line."""
    place = values.alpha.values + shift
    ax.plot(place, values.median("seed"), "-", color=colour, label=label)
    ax.plot(place, values.transpose("alpha", "seed"), "o", color=colour, alpha=0.5, markersize=4)


def _at_rest(ax, scores) -> None:
    """The score of a forecast that never moves."""
    level = float(scores.method_d_stsp.sel({"method": "constant"}).mean())
    ax.axhline(level, color="0.4", linestyle=":", linewidth=1, label="forecast at rest")


def _shown(scores) -> dict[str, str]:
    """The orbits kept for figures, by what they are."""
    best, weakest = float(scores.best_alpha), float(scores.alpha[0])
    return {"true": "true orbit", "weakest": f"α = {weakest:g}", "best": f"α = {best:g}", "full": "α = 1"}


def _scores(ax, scores, name: str) -> None:
    """Score against alpha, with the annealed alpha and the floor as horizontal bands: means over the seeds."""
    _sweep(ax, scores[name], "mean", "constant α")
    for method, label, colour in (
        ("agtf", "annealed α", COLOURS[2]),
        ("true_orbit", "floor: true orbits", "0.3"),
        ("constant", "forecast at rest", "0.6"),
    ):
        if method not in scores.method:
            continue
        level = scores[f"method_{name}"].sel({"method": method}).expand_dims({"alpha": scores.alpha})
        found = interval(level, "seed")
        interval_band(ax, scores.alpha.values, found, label=label, color=colour, linewidth=1, linestyle="--")


def _sweep(ax, values, estimate: Estimate, label: str) -> None:
    """Values (alpha, seed) against alpha: centre and interval over the seeds; small dots: seeds."""
    interval_whiskers(
        ax, values.alpha.values, interval(values, "seed", estimate), label=label, color=COLOURS[0], fmt="o-"
    )
    ax.plot(values.alpha, values.transpose("alpha", "seed"), "o", color=COLOURS[0], alpha=0.3, markersize=2.5)
