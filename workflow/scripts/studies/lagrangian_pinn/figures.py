"""The study's figures: errors against speed and time, fields and characteristics, widths, loss landscapes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_whiskers, legend, log_axis, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

SAID = {"pinn": "PINN", "lpinn": "LPINN"}
HUES = {"pinn": COLOURS[1], "lpinn": COLOURS[0]}
ROUND = 2 * np.pi


def errors(study: Results) -> Figure:
    """Relative errors against the speed, of sine and Burgers, and along time."""
    result: Any = study["forecast/learned"]
    figure, ((left, middle), (right, growth)) = panels(2, 2, height=2.7)
    for panel, problem, said in ((left, "sine", "sine"), (middle, "burgers", "Burgers, u - c")):
        against_speed(panel, result, problem, f"{problem}_error")
        panel.set(ylabel=f"relative L2 error\n{said}", ylim=(1e-3, 3))
        log_axis(panel, "y")
    for level, said in ((0.5, "C1: above"), (0.1, "C3: below")):
        left.axhline(level, color=COLOURS[7], linestyle=":", linewidth=0.8)
        note(left, said, (0.03, level * 1.04), xycoords=("axes fraction", "data"), va="bottom")
    speeds = result["sine_speed"].values[1:]
    later = result["sine_error_by_time"].isel(time=slice(1, None))
    for method in SAID:
        for speed, style in zip(speeds[:: max(1, len(speeds) - 1)], ("--", "-"), strict=False):
            for i, seed in enumerate(later["seed"].values):
                values = later.sel({"method": method, "sine_speed": speed, "seed": seed})
                label = f"{SAID[method]}, c = {speed:g}" if i == 0 else None
                right.plot(later["time"], values, style, color=HUES[method], linewidth=0.9, label=label)
    for edge in (0.25, 0.75):
        right.axvline(edge, color=COLOURS[7], linewidth=0.6, linestyle=":")
    log_axis(right, "y")
    right.set(xlabel="t", ylabel="relative L2 error\nsine, each seed", xlim=(0, 1), ylim=(1e-3, 3))
    against_speed(growth, result, "sine", "sine_growth")
    growth.axhline(0, color=COLOURS[7], linewidth=0.8)
    growth.set_ylabel("ln of the error, last\nover first quarter of time")
    for panel in (left, middle, right, growth):
        legend(panel, outside="above", ncols=2)
    return figure


def against_speed(panel: Axes, result: Any, problem: str, variable: str) -> None:
    """Each seed a dot, and the mean with its interval, against the speed as names."""
    speeds = result[f"{problem}_speed"].values
    place = np.arange(len(speeds))
    for i, method in enumerate(SAID):
        values = result[variable].sel({"method": method})
        shift = 0.16 * (i - 0.5)
        for seed in values["seed"].values:
            panel.plot(place + shift * 1.6, values.sel(seed=seed), ".", color=HUES[method], alpha=0.5, markersize=4)
        interval_whiskers(
            panel, place + shift, interval(values, "seed"), label=SAID[method], color=HUES[method], fmt="o-"
        )
    names(panel, "x", [f"{c:g}" for c in speeds])
    panel.set(xlabel="speed c", xlim=(-0.5, len(speeds) - 0.5))


def fields(study: Results) -> Figure:
    """Maps of place against time, and characteristics: the fastest sine above, the fastest Burgers wave below."""
    result: Any = study["forecast/learned"]
    figure, axes = panels(2, 4, height=2.4, sharex=True)
    time, x = result["time"].values, result["x"].values
    for row, problem in zip(axes, ("sine", "burgers"), strict=True):
        speed = float(result[f"{problem}_speed"].max())
        one = {f"{problem}_speed": speed}
        found = result[f"{problem}_field"].sel(one).isel(seed=0)
        maps = {"exact": result[f"{problem}_exact"].sel(one)} | {SAID[m]: found.sel({"method": m}) for m in SAID}
        for panel, (name, field) in zip(row, maps.items(), strict=False):
            extent = (0, 1, 0, ROUND)
            shown = panel.imshow(
                field.values.T, vmin=-1, vmax=1, cmap="RdBu_r", origin="lower", extent=extent, aspect="auto"
            )
            panel.set(title=name, ylim=(0, ROUND), xlim=(0, 1), xticks=(0, 0.5, 1))
            names(panel, "y", ["0", "π", "2π"], [0, np.pi, ROUND])
        paths = result[f"{problem}_path"].sel(one).isel(seed=0).values
        path: Any = study["simulate/exact"]["path"]
        exact = path.sel(problem=problem)
        exact = exact.sel(x=x, method="nearest").transpose("time", "x").values
        for i in range(0, len(x), max(1, len(x) // 8)):
            row[3].plot(time, exact[:, i], color=COLOURS[7], linewidth=2, label="exact" if i == 0 else None)
            moving = paths[:, i] - speed * time
            row[3].plot(time, moving, "--", color=HUES["lpinn"], linewidth=0.9, label="LPINN" if i == 0 else None)
        row[3].set(title="characteristics", ylabel="x - c t (rad)", ylim=(-0.6, ROUND + 1.6), xlim=(0, 1))
        legend(row[3], loc="upper left", ncols=2)
        row[0].set_ylabel(f"{'sine' if problem == 'sine' else 'Burgers, u - c'}, c = {speed:g}\nx (rad)")
        for panel in row[1:3]:
            panel.set_yticklabels([])
    for panel in axes[-1]:
        panel.set_xlabel("t")
    figure.colorbar(shown, ax=axes[:, :3], label="field", ticks=(-1, 0, 1), location="bottom", aspect=40, shrink=0.6)
    return figure


def widths(study: Results) -> Figure:
    """Singular values of the pulse, error against modes, and windows of time."""
    exact: Any = study["entropy/exact"]
    result: Any = study["forecast/learned"]
    figure, ((left, middle), (bars, right)) = panels(2, 2, height=2.6)
    pulse = exact["singular_values"].sel(problem="pulse")
    for i, speed in enumerate(result["pulse_speed"].values):
        values = pulse.sel(speed=speed, frame="eulerian").values
        left.plot(exact["mode"].values, np.maximum(values, 1e-9), ".-", color=COLOURS[i], label=f"c = {speed:g}")
    along = pulse.isel(speed=-1).sel(frame="lagrangian").values
    left.plot([1], along[:1], "k*", markersize=9, label="along paths")
    log_axis(left, "y")
    left.set(xlabel="mode", ylabel="singular value\nover the largest", ylim=(1e-7, 3), xlim=(0, 40))
    legend(left, outside="above", ncols=3)
    error_against_modes(middle, exact, result)
    whole, parts = int(exact["whole_modes"][0]), exact["window_modes"].values
    bars.bar([0], [whole], color=COLOURS[7])
    bars.bar(np.arange(1, len(parts) + 1), parts, color=COLOURS[5])
    bars.set(ylabel="modes that leave out\n1e-4 of the energy", xlabel="window of time")
    names(bars, "x", ["whole", *map(str, range(1, len(parts) + 1))])
    both = np.stack([result["whole_error"].values, result["windows_error"].values])
    for i, errors_of in enumerate(both.T):
        right.plot([0.15, 0.85], errors_of, ".-", color=COLOURS[7], label="each seed" if i == 0 else None)
    found = interval(result["windows_error"].copy(data=both[1]).expand_dims(way=2).copy(data=both), "seed")
    interval_whiskers(right, [0, 1], found, label="mean, 95 %", color=HUES["pinn"])
    flat = float(exact["constant_error"].sel(problem="pulse"))
    right.axhline(flat, color=COLOURS[7], linestyle=":", linewidth=0.8, label="best constant")
    names(right, "x", ["whole", f"{len(parts)} windows"], [0, 1])
    right.set(xlabel="trained on", ylabel="relative L2 error", xlim=(-0.5, 1.5), ylim=(0, 1.1))
    legend(right, outside="above", ncols=3)
    return figure


def error_against_modes(panel: Axes, exact: Any, result: Any) -> None:
    """The PINN's error against the modes that pulse and sine need, each seed."""
    for i, seed in enumerate(result["seed"].values):
        errors_of = result["pulse_error"].sel(seed=seed)
        label = "pulse, each seed" if i == 0 else None
        panel.plot(result["pulse_modes"], errors_of, "o-", markersize=3, color=HUES["pinn"], alpha=0.6, label=label)
        sine = result["sine_error"].sel({"method": "pinn", "seed": seed})
        two = exact["n_modes"].sel(problem="sine", frame="eulerian", speed=result["sine_speed"].values)
        panel.plot(two, sine, "s", markersize=4, color=COLOURS[2], alpha=0.6, label="sine" if i == 0 else None)
    log_axis(panel, "y")
    log_axis(panel, "x", ticks=[1, 2, 5, 10, 20])
    panel.set(xlabel="modes that leave out 1e-4 of the energy", ylabel="relative L2 error, PINN")
    legend(panel, outside="above", ncols=2)


def landscapes(study: Results) -> Figure:
    """The loss on the plane of two Hessian eigenvectors, and the largest eigenvalue against the speed."""
    result: Any = study["forecast/learned"]
    figure, axes = panels(2, 3, height=2.4)
    first = result["first"].values
    shown = result["landscape"]
    low, high = float(shown.min()), float(shown.max())
    speeds = result["sine_speed"].values
    for row, method in zip(axes, SAID, strict=True):
        for panel, end, speed in zip(row, ("slow", "fast"), (speeds[0], speeds[-1]), strict=False):
            values = shown.sel({"method": method, "ends": end}).values.T
            extent = (first[0], first[-1], first[0], first[-1])
            filled = panel.imshow(values, vmin=low, vmax=high, cmap="viridis", origin="lower", extent=extent)
            panel.contour(first, first, values, levels=8, colors="white", linewidths=0.4)
            panel.plot(0, 0, "w+", markersize=5)
            panel.set(title=f"{SAID[method]}, c = {speed:g}", aspect="equal")
        row[0].set_ylabel("along the second")
    for panel in axes[1, :2]:
        panel.set_xlabel("along the first eigenvector")
    bar = figure.colorbar(filled, ax=axes[:, :2], location="bottom", aspect=40, shrink=0.8)
    bar.set_label("log10 of the loss")
    for panel, problem, said in zip(axes[:, 2], ("sine", "burgers"), ("sine", "Burgers"), strict=True):
        against_speed(panel, result, problem, f"{problem}_sharpness")
        log_axis(panel, "y")
        panel.set_title(said, pad=22)
        panel.set_ylabel("largest eigenvalue")
        legend(panel, outside="above", ncols=2)
    return figure
