"""Draws the HC plane, the sampling sweep, the pendulum, the orbits, and accuracy against record length."""

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from pesin.entropy.ordinal import complexity_bounds, periodic_bound
from pesin.plot.style import COLOURS, band, interval_band, legend, log_axis, named, names, note, panels, whiskers
from pesin.stats.intervals import interval
from pesin.steps.results import Results
from studies.ordinal_orbit_complexity.classes import CLASSES

PLANE = ("permutation_entropy", "statistical_complexity")
KINDS = {"pure_mode": "pure mode", "mixed_mode": "mixed modes", "large": "large angle"}
PATTERN_TIME, RECORD_TIME = r"$t_\mathrm{pat} / t_\mathrm{nat}$", r"$t_\mathrm{dur} / t_\mathrm{nat}$"
# Where names of standard series stand beside their points, in points; the others to the left and a little below.
OFFSETS = {
    "sine": (-6, 6),
    "lorenz_z": (6, -8),
    "skew_tent": (-6, -8),
    "henon": (2, 8),
    "logistic": (6, 4),
    "lorenz_x": (-6, -9),
    "lorenz_package_euler": (-6, 3),
    "white_noise": (-8, 2),
    "blue_noise": (-8, 1),
    "pink_noise": (-8, 5),
}


def _plane(axes, found, order: int, bound_label: str | None = "periodic bound") -> None:
    """Bounding curves, the periodic bound, and axes named after `found`'s (H, C)."""
    for curve in complexity_bounds(order):
        axes.plot(*curve.T, color=COLOURS[7], linewidth=0.8)
    _bound(axes.axvline, order, bound_label)
    h, c = (named(found[name]) for name in PLANE)
    axes.set(xlabel=h, ylabel=c, xlim=(0, 1), ylim=(0, 0.47))


def _bound(line, order: int, label: str | None = None) -> None:
    """The periodic bound, by the method that draws a line across the panel."""
    line(periodic_bound(order), color=COLOURS[7], linestyle="--", linewidth=0.8, label=label)


def hc_plane(study: Results) -> Figure:
    """All standard systems; sums and noisy sines on their way to the stochastic corner."""
    tree, params = study["entropy/series"], study.params("series")
    figure, ((left, right),) = panels(1, 2, height=3.6, sharey=True)
    plane = tree["plane"].to_dataset()
    for panel in (left, right):
        _plane(panel, plane, params.train.order)
    _standard_series(left, plane)
    _mixing(right, tree["mixing"].to_dataset())
    return figure


def _standard_series(panel, plane) -> None:
    """Every seed of every standard series, with its name at the median."""
    styles = {"noise": ("s", 2), "lorenz": ("^", 1), "sine": ("o", 0)}
    counts: dict = {}
    for name in map(str, plane.system.values):
        group = next((key for key in styles if key in name), "map")
        marker, colour = styles.get(group, ("D", 1))
        counts[group] = counts.get(group, -1) + 1
        look = {"markersize": 4, "alpha": 1 - 0.16 * counts[group], "markeredgewidth": 0}
        h, c = (plane[quantity].sel(system=name) for quantity in PLANE)
        panel.plot(h, c, marker, color=COLOURS[colour], **look)
        shift = OFFSETS.get(name, (-6, -3))
        place = {"xytext": shift, "textcoords": "offset points", "ha": "left" if shift[0] > 0 else "right"}
        note(panel, name.replace("_", " "), (float(h.median()), float(c.median())), **place)
    panel.set_title("standard series, every seed a point")


def _mixing(panel, mixing) -> None:
    """Sums of more and more sines, and a sine with more and more noise."""
    for prefix, dim, colour, label in (
        ("sum", "count", COLOURS[0], "sums of {} sines"),
        ("noisy", "noise_to_signal", COLOURS[4], "noise/signal {}"),
    ):
        h, c = (mixing[f"{prefix}_{name}"] for name in PLANE)
        said = label.format(", ".join(f"{step:g}" for step in mixing[dim].values))
        panel.plot(h.mean("seed"), c.mean("seed"), "-", color=colour, linewidth=0.8)
        look = {"markersize": 2.5, "markeredgewidth": 0}
        panel.plot(h.values.ravel(), c.values.ravel(), "o", color=colour, label=said, **look)
    panel.set(ylabel="", title="sums of sines, and a sine with noise")
    legend(panel, loc="lower center")


def sampling_window(study: Results) -> Figure:
    """H and C of sine, Lorenz, pendulum and noise against t_pat / t_nat, and the AUC of H."""
    tree, pendulum, params = study["entropy/series"], study["entropy/pendulum"], study.params("series")
    figure, ((top, auc), (bottom, last)) = panels(2, 2, height=2.5, sharex=True)
    _swept((top, bottom), tree["sampling"].to_dataset(), pendulum.sel(start_kind="large"))
    _bound(top.axhline, params.train.order, "periodic bound")
    top.set(ylim=(0, 1.05), title="95 % over seeds, or starts of the pendulum")
    bottom.set(ylim=(0, 0.47), xscale="log")
    _separation((auc, last), tree["separation"].to_dataset().auc)
    auc.set_title("95 % over seeds")
    for axes in (top, auc, bottom, last):
        axes.axvspan(*params.entropy.window, color=COLOURS[7], alpha=0.15, linewidth=0)
    for axes in (bottom, last):
        axes.set_xlabel(PATTERN_TIME)
    figure.legend(*top.get_legend_handles_labels(), loc="outside lower left", ncols=3)
    legend(auc, loc="lower left")
    return figure


def _swept(axes, sampling, large) -> None:
    """H above and C below, of standard series and of the pendulum at large angles."""
    shown = {"sine": "sine", "lorenz_x": "Lorenz x", "lorenz_z": "Lorenz z", "noise": "white noise"}
    for panel, name in zip(axes, PLANE, strict=True):
        for colour, (system, label) in zip(COLOURS, shown.items(), strict=False):
            found = interval(sampling[name].sel(system=system), "seed")
            interval_band(panel, sampling.ratio.values, found, label=label, color=colour)
        found = interval(large[f"sampled_{name}"], "start")
        interval_band(panel, large.ratio.values, found, label="pendulum, large angle", color=COLOURS[4])
        panel.set_ylabel(named(sampling[name]))


def _separation(axes, auc) -> None:
    """AUC of H, Lorenz x above and z below against sines, for segments of each length."""
    for colour, duration in zip(COLOURS, auc.segment_duration.values, strict=False):
        for panel, coordinate in zip(axes, "xz", strict=True):
            one = auc.sel(segment_duration=duration, coordinate=coordinate)
            one = one.isel(ratio=one.ratio.values < 0.95 * duration)  # beyond, hardly a window fits
            label = f"{RECORD_TIME} = {duration:g}"
            interval_band(panel, one.ratio.values, interval(one, "seed"), label=label, color=colour)
            panel.set(ylabel=f"AUC, Lorenz {coordinate} / sine", ylim=(0, 1.05))


def double_pendulum(study: Results) -> Figure:
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
        path.set(title=f"{label}: {start[0]:.0f}°, {start[1]:.0f}°")
        path.set(xlabel=named(data.x2, "$x_2$"), ylabel=named(data.x2, "$y_2$"))
        path.set_aspect("equal", adjustable="datalim")
    whole, near, growth = axes[1]
    for axis in (whole, near):
        _plane(axis, found, params.train.order, "periodic bound" if axis is whole else None)
        for column, (kind, label) in enumerate(KINDS.items()):
            h, c = (found[name].sel(start_kind=kind) for name in PLANE)
            error = found.permutation_entropy_error.sel(start_kind=kind)
            axis.plot(h, c, "o", markersize=3, color=COLOURS[column], label=label if axis is whole else None)
            axis.hlines(c, h - 1.96 * error, h + 1.96 * error, color=COLOURS[column], linewidth=0.6, alpha=0.6)
    legend(whole, loc="lower center")
    near.set(xlim=(0.48, 0.84), ylim=(0.2, 0.45), title="the same with 95 % intervals")
    for column, kind in enumerate(KINDS):
        growth.plot(
            data.lyapunov_exponent.sel(start_kind=kind),
            found.permutation_entropy.sel(start_kind=kind),
            "o",
            markersize=3,
            color=COLOURS[column],
        )
    _bound(growth.axhline, params.train.order)
    growth.set(xlabel=named(data.lyapunov_exponent, "Lyapunov exponent"), ylabel=named(found.permutation_entropy))
    return figure


def orbits_in_potentials(study: Results) -> Figure:
    """(H, C) of all orbits of each potential; the colour is the growth of a deviation."""
    data, found, params = study["simulate/orbits"], study["entropy/orbits"], study.params("orbits")
    figure, axes = panels(2, 3, height=2.5, sharex=True, sharey=True)
    scale = LogNorm(1, max(float(data.growth.max()), 2))
    for axis, potential in zip(axes.flat, data.potential.values, strict=True):
        one = found.sel(potential=potential)
        _plane(axis, found, params.train.order, None)
        growth = np.maximum(data.growth.sel(potential=potential), 1)
        drawn = axis.scatter(
            one.permutation_entropy, one.statistical_complexity, 10, growth, norm=scale, cmap="viridis", linewidth=0
        )
        share = float((one.permutation_entropy > periodic_bound(params.train.order)).mean())
        name = str(potential).replace("_logarithmic", " log.").replace("henon_heiles_1_", "H.-Heiles 1/")
        axis.set_title(f"{name.replace('_', ' ')}: {share:.0%} above")
        axis.label_outer()
    axes[0, 0].set(xlim=(0.45, 0.95), ylim=(0.05, 0.47))
    figure.colorbar(drawn, ax=axes, label=named(data.growth), shrink=0.8)
    return figure


def accuracy_duration(study: Results) -> Figure:
    """Accuracy with Wilson intervals by method, the AUC of each quantity, and H of a sine of finite length."""
    data, null = study["forecast/series"], study["entropy/series"]["null"].to_dataset()
    figure, ((left, middle, right),) = panels(1, 3, height=3.2)
    _accuracy(left, data)
    _auc(middle, data)
    _null(right, null.permutation_entropy, study.params("series").train.order)
    for axes in (left, middle, right):
        log_axis(axes, "x", data.duration.values)
        axes.set_xlabel(RECORD_TIME)
    handles, labels = (
        [*a, *b] for a, b in zip(left.get_legend_handles_labels(), middle.get_legend_handles_labels(), strict=True)
    )
    figure.legend(handles, labels, loc="outside lower left", ncols=4)
    return figure


def systems(study: Results) -> Figure:
    """Classes given to the records of each system by the rule of the others, at the longest duration."""
    data = study["forecast/series"].sel({"method": "hc_plane"}).isel(duration=-1)
    order = sorted(range(data.sizes["system"]), key=lambda i: list(CLASSES).index(str(data.true_class.values[i])))
    figure, axes = panels(1, 1, width=6.0, height=3.4)
    panel, start = axes[0, 0], np.zeros(len(order))
    for label, colour in zip(CLASSES, COLOURS, strict=False):
        share = data.share_given.sel(class_assigned=label).values[order]
        panel.barh(np.arange(len(order)), share, left=start, color=colour, label=f"called {label}")
        start = start + share
    labels = [f"{str(data.system.values[i]).replace('_', ' ')} ({data.true_class.values[i]})" for i in order]
    names(panel, "y", labels)
    panel.invert_yaxis()
    panel.set(xlabel=named(data.share_given), xlim=(0, 1))
    legend(panel, outside="above", ncols=3)
    return figure


def _accuracy(panel, data) -> None:
    """Share of a system's records assigned to their class by the rule of the others, for each method."""
    methods = {
        "hc_plane": "H and C",
        "hc_plane_longest": "H and C, rule from longest",
        "permutation_entropy": "H alone",
        "spectral_entropy": "spectral entropy",
        "sample_entropy": "sample entropy",
        "zero_one_test": "0-1 test",
    }
    for i, (colour, (method, label)) in enumerate(zip(COLOURS, methods.items(), strict=False)):
        one = data.accuracy.sel({"method": method})
        shift = 1.06 ** (i - 2.5)  # so that the whiskers don't hide each other
        centre, low, high = (one.sel(bound=bound).values for bound in ("centre", "low", "high"))
        whiskers(panel, data.duration.values * shift, centre, low, high, label=label, color=colour, fmt="o-")
    panel.axhline(0.9, color=COLOURS[7], linestyle="--", linewidth=0.8)
    panel.axhline(1 / 3, color=COLOURS[7], linestyle=":", linewidth=0.8)
    panel.set(ylabel=named(data.accuracy, "share given their own class"), ylim=(0, 1.25), title="unseen systems")


def _auc(panel, data) -> None:
    """How well each quantity alone tells chaotic from periodic records; colours as those of the methods."""
    colours = {
        "permutation_entropy": COLOURS[2],
        "statistical_complexity": COLOURS[6],
        "spectral_entropy": COLOURS[3],
        "sample_entropy": COLOURS[4],
        "zero_one_statistic": COLOURS[5],
    }
    for name, colour in colours.items():
        auc = data.auc.sel(quantity=name)
        label = "C alone" if name == "statistical_complexity" else None
        panel.plot(data.duration, np.maximum(auc, 1 - auc), "o-", markersize=4, color=colour, label=label)
    panel.set(ylabel="AUC (or 1 - AUC)", ylim=(0.45, 1.03), title="chaotic against periodic")


def _null(panel, h, order: int) -> None:
    """H of sines of finite length whose period is known to 10 %."""
    low, middle, high, largest = (h.sel(quantile=level) for level in (0.025, 0.5, 0.975, 1))
    band(panel, h.duration, middle, low, high, label="median and 95 %")
    panel.plot(h.duration, largest, ":", color=COLOURS[0], label="largest")
    _bound(panel.axhline, order, "periodic bound")
    panel.set(ylabel=named(h), title="sines, period known to 10 %", ylim=(0.45, 0.58))
    legend(panel, loc="lower right")
