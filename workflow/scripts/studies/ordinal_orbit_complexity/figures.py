"""Draws the HC plane, the sampling sweep, the pendulum, the orbits, and accuracy against record length."""

import numpy as np
from matplotlib.colors import LogNorm

from pesin.entropy.ordinal import complexity_bounds, periodic_bound
from pesin.plot.style import COLOURS, band, panels, whiskers
from pesin.steps.results import Results

H_LABEL, C_LABEL = "permutation entropy $H$", "statistical complexity $C$"
KINDS = {"pure_mode": "pure mode", "mixed_mode": "mixed modes", "large": "large angle"}


def _plane(axes, order: int, bound_label: str | None = "periodic bound") -> None:
    """Bounding curves, the periodic bound and axis labels."""
    for curve in complexity_bounds(order):
        axes.plot(*curve.T, color=COLOURS[7], linewidth=0.8)
    axes.axvline(periodic_bound(order), color=COLOURS[7], linestyle="--", linewidth=0.8, label=bound_label)
    axes.set(xlabel=H_LABEL, ylabel=C_LABEL, xlim=(0, 1), ylim=(0, 0.47))


def hc_plane(study: Results):
    """All standard systems; sums and noisy sines on their way to the stochastic corner."""
    tree, params = study["entropy/series"], study.params("series")
    figure, ((left, right),) = panels(1, 2, height=3.6, sharey=True)
    plane, mixing = tree["plane"].to_dataset(), tree["mixing"].to_dataset()
    names = [str(name) for name in plane.system.values]
    styles = {"noise": ("s", 2), "lorenz": ("^", 1), "sine": ("o", 0)}
    _plane(left, params.order)
    counts: dict = {}
    for name in names:
        group = next((key for key in styles if key in name), "map")
        marker, colour = styles.get(group, ("D", 1))
        counts[group] = counts.get(group, -1) + 1
        one = plane.sel(system=name)
        left.plot(
            one.permutation_entropy,
            one.statistical_complexity,
            marker,
            markersize=4,
            color=COLOURS[colour],
            alpha=1 - 0.16 * counts[group],
            markeredgewidth=0,
        )
    offsets = {"sine": (-6, 6), "lorenz_z": (6, -8), "skew_tent": (-6, -8), "henon": (2, 8), "logistic": (6, 4)}
    offsets |= {"lorenz_x": (-6, -7), "lorenz_package_euler": (-6, 1), "white_noise": (-8, 4), "blue_noise": (-8, -2)}
    offsets |= {"pink_noise": (-8, 4)}
    for name in names:
        one = plane.sel(system=name)
        left.annotate(
            name.replace("_", " "),
            (float(one.permutation_entropy.median()), float(one.statistical_complexity.median())),
            xytext=offsets.get(name, (-6, -3)),
            textcoords="offset points",
            ha="left" if offsets.get(name, (-1,))[0] > 0 else "right",
            fontsize=6,
        )
    left.set_title("standard series, every seed a point")
    _plane(right, params.order)
    for prefix, dim, colour, label in (
        ("sum", "count", 0, "sums of {} sines"),
        ("noisy", "noise_to_signal", 4, "noise/signal {}"),
    ):
        h, c = (mixing[f"{prefix}_{name}"] for name in ("permutation_entropy", "statistical_complexity"))
        steps = mixing[dim].values
        right.plot(h.mean("seed"), c.mean("seed"), "-", color=COLOURS[colour], linewidth=0.8)
        right.plot(
            h.values.ravel(),
            c.values.ravel(),
            "o",
            markersize=2.5,
            color=COLOURS[colour],
            markeredgewidth=0,
            label=label.format(", ".join(f"{step:g}" for step in steps)),
        )
    right.set(ylabel="", title="sums of sines, and a sine with noise")
    right.legend(loc="lower left", fontsize=7)
    return figure


def sampling_window(study: Results):
    """H and C of sine, Lorenz, pendulum and noise against t_pat / t_nat, and the AUC of H."""
    tree, pendulum, params = study["entropy/series"], study["entropy/pendulum"], study.params("series")
    sampling, separation = tree["sampling"].to_dataset(), tree["separation"].to_dataset()
    figure, ((top, auc), (bottom, last)) = panels(2, 2, height=2.5, sharex=True)
    names = {"sine": "sine", "lorenz_x": "Lorenz x", "lorenz_z": "Lorenz z", "noise": "white noise"}
    large = pendulum.sel(start_kind="large")
    for axes, name in ((top, "permutation_entropy"), (bottom, "statistical_complexity")):
        for colour, (system, label) in zip(COLOURS, names.items(), strict=False):
            one = sampling[name].sel(system=system)
            band(axes, one.ratio, one.mean("seed"), one.min("seed"), one.max("seed"), label=label, color=colour)
        swept = large[f"sampled_{name}"]
        centre, low, high = swept.mean("start"), swept.min("start"), swept.max("start")
        band(axes, large.ratio, centre, low, high, label="pendulum, large angle", color=COLOURS[4])
    top.axhline(periodic_bound(params.order), color=COLOURS[7], linestyle="--", linewidth=0.8, label="periodic bound")
    top.set(ylabel=H_LABEL, ylim=(0, 1.05))
    bottom.set(ylabel=C_LABEL, xlabel=r"$t_\mathrm{pat} / t_\mathrm{nat}$", xscale="log", ylim=(0, 0.47))
    for colour, duration in zip(COLOURS, separation.segment_duration.values, strict=False):
        for axes, coordinate in ((auc, "x"), (last, "z")):
            one = separation.auc.sel(segment_duration=duration, coordinate=coordinate)
            fits = one.ratio.values < 0.95 * duration  # beyond, hardly a window fits
            label = rf"$t_\mathrm{{dur}} / t_\mathrm{{nat}}$ = {duration:g}"
            band(
                axes,
                one.ratio[fits],
                one.mean("seed")[fits],
                one.quantile(0.1, "seed")[fits],
                one.quantile(0.9, "seed")[fits],
                label=label,
                color=colour,
            )
            axes.set(ylabel=f"AUC, Lorenz {coordinate} / sine", ylim=(0, 1.05))
    last.set_xlabel(r"$t_\mathrm{pat} / t_\mathrm{nat}$")
    for axes in (top, auc, bottom, last):
        axes.axvspan(*params.entropy.window, color=COLOURS[7], alpha=0.15, linewidth=0)
    top.set_title("bands: range over seeds")
    auc.set_title("bands: 10 to 90 % of seeds")
    figure.legend(*top.get_legend_handles_labels(), loc="outside lower left", ncols=3, fontsize=7)
    auc.legend(loc="lower left", fontsize=7)
    return figure


def double_pendulum(study: Results):
    """One motion of each kind, as the angles and the path of the lower bob, and all motions in the HC plane."""
    data, found, params = study["simulate/pendulum"], study["entropy/pendulum"], study.params("pendulum")
    figure, axes = panels(2, 3, height=2.6)
    theta1, theta2 = (np.unwrap(data.theta.sel(angle=name).values) for name in ("theta1", "theta2"))
    for column, (kind, label) in enumerate(KINDS.items()):
        # The motion with the median H of its kind.
        entropies = found.permutation_entropy.sel(start_kind=kind).values
        which = int(np.argsort(entropies)[entropies.size // 2])
        first, second = theta1[column, which], theta2[column, which]
        shown = slice(0, int(20 / float(data.dt)))
        path = axes[0, column]
        path.plot(
            np.sin(first[shown]) + np.sin(second[shown]),
            -np.cos(first[shown]) - np.cos(second[shown]),
            color=COLOURS[column],
            linewidth=0.5,
        )
        start = np.rad2deg([first[0], second[0]])
        path.set(title=f"{label}: {start[0]:.0f}°, {start[1]:.0f}°", xlabel="$x_2$ [m]", ylabel="$y_2$ [m]")
        path.set_aspect("equal", adjustable="datalim")
    whole, near, growth = axes[1]
    for axis in (whole, near):
        _plane(axis, params.order, "periodic bound" if axis is whole else None)
        for column, (kind, label) in enumerate(KINDS.items()):
            h, c = (found[n].sel(start_kind=kind) for n in ("permutation_entropy", "statistical_complexity"))
            error = found.permutation_entropy_error.sel(start_kind=kind)
            axis.plot(h, c, "o", markersize=3, color=COLOURS[column], label=label if axis is whole else None)
            axis.hlines(c, h - 1.96 * error, h + 1.96 * error, color=COLOURS[column], linewidth=0.6, alpha=0.6)
    whole.legend(loc="lower left", fontsize=7)
    near.set(xlim=(0.48, 0.84), ylim=(0.2, 0.45), title="the same with 95 % intervals")
    for column, kind in enumerate(KINDS):
        growth.plot(
            data.lyapunov_exponent.sel(start_kind=kind),
            found.permutation_entropy.sel(start_kind=kind),
            "o",
            markersize=3,
            color=COLOURS[column],
        )
    growth.axhline(periodic_bound(params.order), color=COLOURS[7], linestyle="--", linewidth=0.8)
    growth.set(xlabel="Lyapunov exponent [1/s]", ylabel=H_LABEL)
    return figure


def orbits_in_potentials(study: Results):
    """(H, C) of all orbits of each potential; the colour is the growth of a deviation."""
    data, found, params = study["simulate/orbits"], study["entropy/orbits"], study.params("orbits")
    figure, axes = panels(2, 3, height=2.5, sharex=True, sharey=True)
    scale = LogNorm(1, max(float(data.growth.max()), 2))
    for axis, potential in zip(axes.flat, data.potential.values, strict=True):
        one = found.sel(potential=potential)
        _plane(axis, params.order, None)
        growth = np.maximum(data.growth.sel(potential=potential), 1)
        drawn = axis.scatter(
            one.permutation_entropy, one.statistical_complexity, 10, growth, norm=scale, cmap="viridis", linewidth=0
        )
        share = float((one.permutation_entropy > periodic_bound(params.order)).mean())
        name = str(potential).replace("_logarithmic", " log.").replace("henon_heiles_1_", "H.-Heiles 1/")
        axis.set_title(f"{name.replace('_', ' ')}: {share:.0%} above")
        axis.label_outer()
    axes[0, 0].set(xlim=(0.45, 0.95), ylim=(0.05, 0.47))
    figure.colorbar(drawn, ax=axes, label="growth of a deviation over the run [e-foldings]", shrink=0.8)
    return figure


def accuracy_duration(study: Results):
    """Accuracy with Wilson intervals by method, the AUC of each quantity, and H of a sine of finite length."""
    data, null = study["forecast/series"], study["entropy/series"]["null"].to_dataset()
    order = study.params("series").order
    figure, ((left, middle, right),) = panels(1, 3, height=3.2)
    names = {
        "hc_plane": "H and C",
        "hc_plane_longest": "H and C, rule from longest",
        "permutation_entropy": "H alone",
        "spectral_entropy": "spectral entropy",
        "sample_entropy": "sample entropy",
        "zero_one_test": "0-1 test",
    }
    for i, (colour, (method, label)) in enumerate(zip(COLOURS, names.items(), strict=False)):
        one = data.accuracy.sel({"method": method})
        shift = 1.03 ** (i - 2.5)  # so that the whiskers don't hide each other
        centre, low, high = (one.sel(bound=bound).values for bound in ("centre", "low", "high"))
        whiskers(left, data.duration.values * shift, centre, low, high, label=label, color=colour, fmt="o-")
    left.axhline(0.9, color=COLOURS[7], linestyle="--", linewidth=0.8)
    left.axhline(1 / 3, color=COLOURS[7], linestyle=":", linewidth=0.8)
    left.set(ylabel="assigned to their own class", ylim=(0, 1.03), title="three classes")
    quantities = ("permutation_entropy", "statistical_complexity", "spectral_entropy", "sample_entropy")
    for colour, name in zip(
        (COLOURS[2], COLOURS[6], COLOURS[3], COLOURS[4], COLOURS[5]), (*quantities, "zero_one_statistic"), strict=True
    ):
        auc = data.auc.sel(quantity=name)
        label = "C alone" if name == "statistical_complexity" else None
        middle.plot(data.duration, np.maximum(auc, 1 - auc), "o-", markersize=4, color=colour, label=label)
    middle.set(ylabel="AUC (or 1 - AUC)", ylim=(0.45, 1.03), title="chaotic against periodic")
    quantile = null.permutation_entropy
    band(
        right,
        null.duration,
        quantile.sel(quantile=0.5),
        quantile.sel(quantile=0.025),
        quantile.sel(quantile=0.975),
        label="median and 95 %",
    )
    right.plot(null.duration, quantile.sel(quantile=1), ":", color=COLOURS[0], label="largest")
    right.axhline(periodic_bound(order), color=COLOURS[7], linestyle="--", linewidth=0.8, label="periodic bound")
    right.set(ylabel=H_LABEL, title="sines, period known to 10 %", ylim=(0.45, 0.58))
    for axes in (left, middle, right):
        axes.set(xscale="log", xlabel=r"$t_\mathrm{dur} / t_\mathrm{nat}$")
        axes.set_xticks(data.duration.values, [f"{d:g}" for d in data.duration.values], minor=False)
        axes.minorticks_off()
    handles = [*left.get_legend_handles_labels()[0], *middle.get_legend_handles_labels()[0]]
    labels = [*left.get_legend_handles_labels()[1], *middle.get_legend_handles_labels()[1]]
    figure.legend(handles, labels, loc="outside lower left", ncols=4, fontsize=7)
    right.legend(loc="lower right", fontsize=7)
    return figure
