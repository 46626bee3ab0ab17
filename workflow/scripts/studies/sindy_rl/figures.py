"""The study's figures: what a real step is worth, models from few transitions, the law and the policy."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from pesin.models.sparse_regression import monomials, polynomial_library
from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, named, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

SAID = {"sindy": "sparse", "real": "real task", "nn": "networks", "linear": "linear", "reward": "sparse reward"}
SHOWN = ("sindy", "linear", "nn", "unprojected", "persistence")
ORDER = ("sindy", "real", "nn", "linear", "reward")
STEP, PULL, MOTOR = 0.05, 15.0, 6.0
"""Of the pendulum: s, and angular accelerations."""


def colour(name: str) -> str:
    """One for each arm; models that are no arm come after."""
    return COLOURS[(*ORDER, "unprojected", "persistence").index(name) % len(COLOURS)]


def returns(study: Results) -> Figure:
    """Learning curves, final returns against real steps, and the wake."""
    found: Any = study["forecast/worlds"]
    params = study.params("worlds").forecast
    swing, wake = found["returns"].to_dataset(), found["wake"].to_dataset()
    figure, axes = panels(1, 3, height=2.8)
    left, middle, right = axes[0]
    for arm in (str(name) for name in swing["arm"].values):
        curve = swing["along"].sel(arm=arm)
        if arm in ("sindy", "real"):
            interval_band(left, swing["step"], interval(curve, over="agent"), SAID[arm], color=colour(arm))
        else:
            left.plot(swing["step"], curve.mean("agent"), color=colour(arm), label=SAID[arm])
        final, seen = swing["final_return"].sel(arm=arm), swing["interactions"].sel(arm=arm).values
        if arm == "real":
            middle.plot(seen[1:], curve.mean("agent")[1:], "o-", ms=3, color=colour(arm), label=SAID[arm])
        else:
            beside = np.full(final.size, seen[-1]) * 1.06 ** (ORDER.index(arm) - 2)
            middle.plot(beside, final, "o", ms=4, color=colour(arm), label=SAID[arm])
    for panel in (left, middle):
        panel.axhline(params.goal, color="k", ls=":", lw=1)
    left.set(xlabel="steps in its own world", ylabel=named(swing["along"]), ylim=(-1900, 50))
    middle.set(xlabel="real steps seen", ylabel=named(swing["along"]), ylim=(-1900, 50))
    log_axis(middle, "x", [250, 500, 1000, 2000, 4000] if swing["step"][-1] < 10000 else [250, 1000, 4000, 16000])
    legend(left, "above", ncols=2)
    for arm in ("sindy", "real"):
        band = interval(wake["drag"].sel(arm=arm), over="agent")
        interval_band(right, wake["step"], band, SAID[arm], color=colour(arm))
    right.axhline(1, color="0.5", lw=1)
    right.axhline(params.wake_goal, color="k", ls=":", lw=1)
    right.set(xlabel="steps in its own world", ylabel="drag, relative to no control", ylim=(0, None))
    legend(right, loc="upper right")
    return figure


def models(study: Results) -> Figure:
    """Errors of rollouts against data and along the way; spread against error."""
    found: Any = study["forecast/worlds"]["models"].to_dataset()  # type: ignore[union-attr]
    known: Any = study["entropy/worlds"]
    lead = study.params("worlds").forecast.lead
    figure, axes = panels(1, 3, height=2.8)
    left, middle, right = axes[0]
    for name in SHOWN:
        error = found["rollout_error"].sel(model=name)
        along = found["error"].sel(model=name).isel(samples=0).median("seed")
        middle.plot(found["lead"], along, color=colour(name), label=SAID.get(name, name))
        if name == "unprojected":  # a few sets blow up: no mean
            continue
        interval_whiskers(
            left,
            found["samples"].values,
            interval(error, over="seed"),
            SAID.get(name, name),
            fmt="o-",
            color=colour(name),
        )
    log_axis(left, "x", found["samples"].values)
    left.set(xlabel="random transitions", ylabel=f"rms error of {lead} steps (s.d.)", ylim=(0, None))
    legend(middle, "above", ncols=2)
    middle.axvline(lead, color="0.5", ls=":", lw=1)
    middle.set(xlabel="lead [steps]", ylabel="error, fewest data (s.d.)", yscale="log")
    right.loglog(known["one_step_spread"][0], known["one_step_error"][0], ".", ms=2, color=colour("sindy"), alpha=0.4)
    rho = known["knows_its_error"].values[-1]
    right.set(xlabel="spread of the ensemble (s.d.)", ylabel="error of its median (s.d.)")
    right.set_title(f"rank corr. {rho.min():.2f} to {rho.max():.2f}")
    for axis in (right.xaxis, right.yaxis):
        axis.set_minor_formatter(NullFormatter())
    return figure


def taylor(degree: int) -> np.ndarray:
    """Taylor's coefficients of one true step to first order in it, in the library's order, (terms, 3)."""
    terms = monomials(4, degree)
    known = {
        ((0,), 0): 1.0,
        ((1,), 1): 1.0,
        ((2,), 2): 1.0,
        ((1, 2), 0): -STEP,
        ((0, 2), 1): STEP,
        ((1,), 2): PULL * STEP,
        ((3,), 2): MOTOR * STEP,
    }
    out = np.zeros((len(terms), 3))
    for (term, coordinate), value in known.items():
        out[terms.index(term), coordinate] = value
    return out


def shade(value: float) -> str:
    """Of a number that stands on its colour."""
    return "w" if abs(value) > 0.6 else "k"


def law(study: Results) -> Figure:
    """Coefficients found and true; a polynomial policy; networks against polynomials."""
    trained: Any = study["train/worlds"]
    policies: Any = study["forecast/worlds"]["policies"].to_dataset()  # type: ignore[union-attr]
    params = study.params("worlds")
    degree, letters = params.train.dynamics.degree, ("cos", "sin", "w", "a")
    labels = ["·".join(letters[i] for i in term) or "1" for term in monomials(4, degree)]
    middle = np.median(trained["models/sindy"].values[-1, 0], axis=0)
    figure, grid = panels(1, 4, height=3.2, gridspec_kw={"width_ratios": [1.3, 1.6, 1.2, 1.4]})
    axes = grid[0]
    look: dict[str, Any] = {"vmin": -1, "vmax": 1, "cmap": "RdBu_r", "aspect": "auto"}
    for panel, values, title in zip(axes, (middle, taylor(degree)), ("found", "Taylor"), strict=False):
        image = panel.imshow(values, **look)
        for (row, column), value in np.ndenumerate(values):
            if value:
                note(panel, f"{value:.2f}", (column, row), ha="center", va="center", color=shade(value))
        names(panel, "x", ["cos'", "sin'", "w'"])
        panel.set_title(title)
    names(axes[0], "y", labels)
    axes[1].set_yticks([])
    figure.colorbar(image, ax=axes[1], label="coefficient")
    angle, rate = np.meshgrid(np.linspace(-np.pi, np.pi, 80), np.linspace(-8, 8, 80))
    seen = np.stack([np.cos(angle), np.sin(angle), rate], -1)
    best = int(policies["polynomial_return"].values.argmax())
    largest = max(params.forecast.distillation.degrees)
    action = np.tanh(polynomial_library(seen, largest) @ policies["coefficient"].values[best])
    surface = axes[2].imshow(
        action, origin="lower", extent=(-np.pi, np.pi, -8, 8), aspect="auto", cmap="PuOr", vmin=-1, vmax=1
    )
    figure.colorbar(surface, ax=axes[2], label="action")
    terms = int(policies["terms"][best])
    axes[2].set(xlabel="angle (rad)", ylabel="rate (rad/s)", title=f"policy of {terms} terms")
    x, y = policies["network_return"].values, policies["polynomial_return"].values
    low = 1.1 * min(x.min(), y.min())
    axes[3].plot([low, 0], [1.25 * low, 0], "k--", lw=1, label="a quarter worse")
    axes[3].plot(x, y, "o", color=COLOURS[0])
    axes[3].set(xlabel="network's return", ylabel="polynomial's return", xlim=(low, 0), ylim=(1.25 * low, 0))
    legend(axes[3], "above")
    return figure
