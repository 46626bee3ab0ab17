"""The figures of generalized_teacher_forcing."""

from __future__ import annotations

import numpy as np

from pesin.plot.style import COLOURS, band, panels, whiskers
from pesin.stats.intervals import median_interval

LABELS = {
    "gtf": "GTF, chosen α",
    "agtf": "annealed α",
    "sparse_tf": "sparse forcing",
    "bptt": "BPTT (α = 0)",
    "full_tf": "full forcing (α = 1)",
    "esn": "echo state network",
    "sindy": "SINDy (true library)",
    "var": "VAR(1)",
    "true_orbit": "second true orbit",
}


def gradients(study):
    """F1: products of Jacobians over T, and gradient norms met in training."""
    figure, axes = panels(1, 2)
    products, training = study["entropy/random_networks"], study["train/lorenz63"]
    left, right = axes[0]
    log10 = products.log_norm / np.log(10)
    for colour, fraction in zip(COLOURS, products.fraction.values, strict=False):
        values = log10.sel(fraction=fraction)
        band(
            left,
            products.steps,
            values.median("network"),
            values.min("network"),
            values.max("network"),
            label=f"{fraction:g} α*",
            color=colour,
        )
    slope = float(products.lyapunov_exponent.median()) / np.log(10)
    left.plot(products.steps, slope * products.steps, "k--", linewidth=1, label="exp(λ₁T)")
    left.axhline(0, color="0.6", linewidth=0.8, zorder=0)
    left.set(xlabel="steps T", ylabel="log₁₀ ‖product of Jacobians‖")
    left.set_title(f"{products.sizes['network']} random networks, median and range")
    left.legend(title="forcing", loc="lower left")
    peak = training.to_dataset().log10_max_gradient_norm.isel(noise=0)
    _medians(right, peak.alpha.values, peak.values, "largest norm in training", COLOURS[0])
    _seeds(right, peak.alpha.values, peak.values, COLOURS[0])
    right.axhline(np.log10(np.finfo(np.float32).max), color="0.4", linestyle=":", linewidth=1)
    right.text(1.0, 37, "overflow of float32", ha="right", va="top", fontsize=8, color="0.3")
    right.set(xlabel="forcing α", ylabel="log₁₀ largest gradient norm")
    right.set_title("Lorenz-63, median and range of the seeds")
    return figure


def alpha_sweep(study):
    """F2: reconstruction against alpha."""
    figure, axes = panels(1, 2)
    scores = study["entropy/lorenz63"].isel(noise=0)
    for ax, name, label in (
        (axes[0, 0], "d_stsp", "D_stsp (nat)"),
        (axes[0, 1], "d_hellinger", "D_H (Hellinger distance)"),
    ):
        _sweep(ax, scores, name)
        ax.set(xlabel="forcing α", ylabel=label)
    within = scores.d_stsp_interval
    axes[0, 0].vlines(
        scores.alpha + 0.02, within.sel(end="low"), within.sel(end="high"), color=COLOURS[1], linewidth=2.5, zorder=3
    )
    axes[0, 1].plot([], [], color=COLOURS[1], linewidth=2.5, label="one run, 95 % bootstrap")
    axes[0, 0].set_yscale("log")
    axes[0, 0].set_yticks([0.2, 0.5, 1, 2, 5, 10], ["0.2", "0.5", "1", "2", "5", "10"])
    axes[0, 0].minorticks_off()
    axes[0, 1].set_ylim(top=1.55)  # room for the legend
    axes[0, 1].legend(loc="upper right")
    figure.suptitle("Lorenz-63: free run against the true attractor (median and range over seeds)", fontsize=9)
    return figure


def attractors(study):
    """F3: true and generated butterflies."""
    scores = study["entropy/lorenz63"].isel(noise=0)
    figure, axes = panels(1, 4, height=2.0, sharex=True, sharey=True)
    names = _names(scores)
    for ax, (name, title) in zip(axes[0], names.items(), strict=True):
        orbit = scores.orbit.sel(shown=name).values
        ax.plot(orbit[:, 0], orbit[:, 2], color="k" if name == "true" else COLOURS[0], linewidth=0.4)
        ended = orbit[-1, [0, 2]]
        if not np.isfinite(orbit).all():
            ax.text(0, 0, "diverged", ha="center", va="center")
        elif np.ptp(orbit, axis=0).max() < 1e-3:
            ax.plot(*ended, "o", color=COLOURS[1], markersize=5)
            ax.text(0, -2.2, "died on a fixed point", ha="center", fontsize=8)
        ax.set_title(title)
        ax.set(xlabel="x (sd)")
    axes[0, 0].set(ylabel="z (sd)", xlim=(-2.8, 2.8), ylim=(-2.8, 2.8))
    return figure


def power_spectra(study):
    """F4: spectra of the true and the generated orbits."""
    scores = study["entropy/lorenz63"].isel(noise=0)
    figure, axes = panels(1, 1, width=4.8, height=3.0)
    ax = axes[0, 0]
    names = _names(scores)
    for (name, label), colour in zip(names.items(), ("k", *COLOURS), strict=False):
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
    ax.set(
        yscale="log",
        xlim=(0, 6),
        ylim=(1e-5, 20),
        xlabel="frequency (1 / time unit)",
        ylabel="power of x (normalised)",
    )
    ax.legend()
    return figure


def annealing(study):
    """F5: the annealed alpha during training."""
    training = study["train/lorenz63"].to_dataset().isel(noise=0)
    scores = study["entropy/lorenz63"].isel(noise=0)
    figure, axes = panels(1, 2)
    for seed in training.seed.values:
        alpha = training.forcing_strength.sel(forcing="adaptive", seed=seed)
        axes[0, 0].plot(training["update"], alpha, color=COLOURS[0], linewidth=0.9, label=None if seed else "one seed")
    best = float(scores.best_alpha)
    axes[0, 0].axhline(best, color=COLOURS[1], linestyle="--", label=f"best constant α = {best:g}")
    axes[0, 0].set(xlabel="update", ylabel="annealed α", ylim=(0, 1))
    axes[0, 0].legend()
    for colour, forcing in zip(COLOURS, ("adaptive", f"{best:g}", "1"), strict=False):
        loss = training.loss.sel(forcing=forcing)
        label = "annealed α" if forcing == "adaptive" else f"α = {forcing}"
        axes[0, 1].plot(training["update"], loss.median("seed"), color=colour, label=label, linewidth=1)
    axes[0, 1].set(xlabel="update", ylabel="training loss (median of seeds)", yscale="log")
    axes[0, 1].legend()
    return figure


def methods(study):
    """F6: all methods side by side."""
    scores, ahead = study["entropy/lorenz63"].isel(noise=0), study["forecast/lorenz63"].isel(noise=0)
    figure, axes = panels(1, 2, height=3.0, sharey=True)
    names = list(scores.method.values)[::-1]
    for ax, (data, variable, label) in zip(
        axes[0],
        (
            (scores, "method_d_stsp", "D_stsp (nat)"),
            (ahead, "method_lyapunov_times", "valid prediction time (Lyapunov times)"),
        ),
        strict=True,
    ):
        for row, name in enumerate(names):
            if name in data.method:
                values = data[variable].sel({"method": name}).values
                colour = COLOURS[0] if name in ("gtf", "agtf") else "0.35"
                centre, low, high = median_interval(values)
                ax.plot(values, np.full(len(values), row), "o", color=colour, alpha=0.35, markersize=3)
                spread = np.abs([[centre - low], [high - centre]])
                ax.errorbar(centre, row, xerr=spread, fmt="D", color=colour, markersize=5, capsize=2)
        ax.set(xlabel=label)
        ax.grid(axis="x", color="0.9")
    axes[0, 0].set_xscale("log")
    axes[0, 0].set_yticks(range(len(names)), [LABELS[name] for name in names])
    axes[0, 1].set_xlim(left=0)
    figure.suptitle("Lorenz-63 with 5 % noise: median and range over seeds (dots: seeds)", fontsize=9)
    return figure


def noise_sweep(study):
    """Beyond the paper: does the best alpha move with the noise?"""
    scores = study["entropy/noise_sweep"]
    figure, axes = panels(1, 2, gridspec_kw={"width_ratios": [1.6, 1]})
    for colour, noise in zip(COLOURS, scores.noise.values, strict=False):
        one = scores.sel(noise=noise)
        _medians(axes[0, 0], one.alpha.values, one.d_stsp.values, f"noise {100 * noise:g} %", colour)
    balance = float(scores.balance_alpha.max())
    axes[0, 0].axvline(balance, color="0.4", linestyle=":", linewidth=1, label="1 − exp(−λ₁ dt)")
    axes[0, 0].set(xlabel="forcing α", ylabel="D_stsp (nat)", yscale="log", xlim=(0, None))
    axes[0, 0].set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    axes[0, 0].minorticks_off()
    axes[0, 0].legend()
    excess = scores.full_tf_excess
    for level, noise in enumerate(scores.noise.values):
        values = excess.sel(noise=noise).values
        axes[0, 1].plot(np.full(len(values), level), values, "o", color=COLOURS[level], alpha=0.4, markersize=3)
        centre, low, high = median_interval(values)
        whiskers(axes[0, 1], [level], [centre], [low], [high], color=COLOURS[level])
    axes[0, 1].axhline(0, color="0.6", linewidth=0.8, zorder=0)
    axes[0, 1].set_xticks(range(scores.sizes["noise"]), [f"{100 * n:g} %" for n in scores.noise.values])
    axes[0, 1].set(xlabel="observation noise", ylabel="excess of full forcing (nat)", xlim=(-0.5, None))
    return figure


def ecg(study):
    """The surrogate: a synthetic electrocardiogram, its reconstruction and the sweep over alpha."""
    scores = study["entropy/ecg"].isel(noise=0)
    dt = float(study["simulate/ecg"].dt)
    figure, axes = panels(1, 2, gridspec_kw={"width_ratios": [1.4, 1]})
    points = min(600, scores.sizes["step"])
    time = dt * np.arange(points)
    names = {name: label for name, label in _names(scores).items() if name != "weakest"}
    for offset, ((name, label), colour) in enumerate(zip(names.items(), ("k", *COLOURS), strict=False)):
        trace = scores.orbit.sel(shown=name).isel(dim=0, step=slice(-points, None)).values
        shifted = np.where(np.abs(trace) < 8, trace, np.nan) - 8 * offset
        axes[0, 0].plot(time, shifted, color=colour, linewidth=0.9, label=label)
    axes[0, 0].set(xlabel="time (s)", ylabel="voltage (sd), each shifted by 8", ylim=(-20, 12))
    axes[0, 0].legend(ncols=3, loc="upper center")
    axes[0, 0].set_yticks([])
    _sweep(axes[0, 1], scores, "d_stsp")
    axes[0, 1].set(xlabel="forcing α", ylabel="D_stsp (nat)")
    axes[0, 1].legend(loc=(0.02, 0.1))
    return figure


def _names(scores):
    """The orbits kept for figures, by what they are."""
    best, weakest = float(scores.best_alpha), float(scores.alpha[0])
    return {"true": "true orbit", "weakest": f"α = {weakest:g}", "best": f"α = {best:g}", "full": "α = 1"}


def _sweep(ax, scores, name):
    """Score against alpha, with the annealed alpha and the floor as horizontal bands."""
    _medians(ax, scores.alpha.values, scores[name].values, "constant α", COLOURS[0])
    _seeds(ax, scores.alpha.values, scores[name].values, COLOURS[0])
    for method, label, colour in (("agtf", "annealed α", COLOURS[2]), ("true_orbit", "floor: true orbits", "0.3")):
        centre, low, high = median_interval(scores[f"method_{name}"].sel({"method": method}))
        ax.axhline(centre, color=colour, linewidth=1, linestyle="--", label=label)
        ax.axhspan(low, high, color=colour, alpha=0.15, linewidth=0)


def _medians(ax, x, values, label, colour):
    """Median over the last axis with the order-statistic interval."""
    centre, low, high = np.array([median_interval(v) for v in values]).T
    whiskers(ax, x, centre, low, high, label=label, color=colour, linestyle="-")


def _seeds(ax, x, values, colour):
    ax.plot(np.repeat(x, values.shape[1]), values.ravel(), "o", color=colour, alpha=0.3, markersize=2.5)
