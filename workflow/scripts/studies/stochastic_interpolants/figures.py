"""The study's figures: bridges and their paths, samples by noise, divergence against noise, fields, special cases."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, named, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

GREY = COLOURS[7]
WORLDS = {"mixture": "five modes", "checkerboard": "checkerboard"}
FIELDS = {"velocity": "velocity b", "noise": r"denoiser $\eta$", "path": "v", "score": "score s"}
OFF = 0.03  # where a logarithmic axis of noises shows zero


def shown(noises: np.ndarray) -> np.ndarray:
    """Noises as a logarithmic axis places them: zero at its left end."""
    return np.where(noises > 0, noises, OFF)


def sampler(eps: float) -> str:
    """What a title calls the sampler of a noise."""
    return "ODE" if eps == 0 else rf"$\epsilon$ = {eps:g}"


def noise_axis(axes, noises: np.ndarray) -> None:
    """A logarithmic axis of noises that says 0 at its left end."""
    log_axis(axes, "x", shown(noises))
    names(axes, "x", ["ODE" if eps == 0 else f"{eps:g}" for eps in noises], at=shown(noises))
    axes.set_xlabel(r"diffusion $\epsilon$")


def bridge(study: Results) -> Figure:
    """Marginals at several times, exact, sampled and without the score; paths of the ODE and of an SDE."""
    result: Any = study["entropy/exact"]
    control: Any = study["entropy/no_score"]
    figure, axes = panels(2, 4, height=2.1, sharey="row")
    times, x = result["time"].values, result["x"].values
    for panel, place in zip(axes[0], range(len(times)), strict=True):
        panel.fill_between(x, result["density"].sel(arm="exact").values[place], color=GREY, alpha=0.4, linewidth=0)
        for i, eps in enumerate((0.0, 2.0)):
            found = result["histogram"].sel(arm="exact", noise=eps).values[place]
            panel.plot(x, found, color=COLOURS[i], label=sampler(eps))
        lost = control["histogram"].sel(arm="exact", noise=2.0).values[place]
        panel.plot(x, lost, ":", color=COLOURS[6], label="same, no score", linewidth=1)
        panel.set(title=f"t = {times[place]:g}", xlim=(-4, 4), xlabel="x")
    axes[0, 0].set(ylabel="density", ylim=(0, 0.95))
    legend(axes[0, 0], loc="upper left")
    rows = (("exact", 0.0), ("exact", 2.0), ("modes", 0.0), ("modes", 2.0))
    for panel, (arm, eps) in zip(axes[1], rows, strict=True):
        panel.plot(result["step"].values, result["paths"].sel(arm=arm, noise=eps).values, linewidth=0.7)
        panel.set(title=f"{'peaks' if arm == 'exact' else 'modes'}, {sampler(eps)}", xlabel="t")
    axes[1, 0].set(ylabel="x", ylim=(-5.5, 5.5))
    return figure


def samples(study: Results) -> Figure:
    """Samples of both worlds by noise, and of the checkerboard by exact fields."""
    result: Any = study["forecast/learned"]
    exact: Any = study["forecast/exact_fields"]
    wanted = [0.0, 0.5, 10.0]
    figure, axes = panels(3, 3, height=2.0, width=5.6, sharex=True, sharey=True)
    rows = (
        ("five modes, learned", result["mixture"].to_dataset(), wanted),
        ("board, learned", result["checkerboard"].to_dataset(), wanted),
        ("board, exact", exact["checkerboard"].to_dataset(), list(exact["checkerboard"]["noise"].values)),
    )
    for row, (said, found, noises) in zip(axes, rows, strict=True):
        for panel, eps in zip(row, noises, strict=True):
            cloud = found["cloud"].sel(noise=eps).values
            panel.plot(cloud[:, 0], cloud[:, 1], ".", markersize=1, color=COLOURS[0])
            panel.set(title=sampler(eps), xlim=(-6, 6), ylim=(-6, 6), aspect="equal")
        row[0].set_ylabel(f"{said}\ny")
    for panel in axes[-1]:
        panel.set_xlabel("x")
    return figure


def likelihood(study: Results) -> Figure:
    """Divergence against noise: wrong fields on the line with the bound, learned ones in the plane with the choice."""
    result: Any = study["entropy/exact"]
    figure, ((line, both), (mixture, board)) = panels(2, 2, height=2.7)
    for panel, arm, said in ((line, "wrong", "b + 1.5 sin 3x"), (both, "both", "b and s both wrong")):
        _with_bound(panel, result, arm)
        panel.set_title(f"{said}; bars 95 % over seeds")
    best = float(result["predicted_noise"].sel(arm="both"))
    both.axvline(best, color=GREY, linestyle=":", label=r"predicted $\epsilon^*$")
    control: Any = study["entropy/exact_velocity"]
    found = interval(control["kl"].sel(arm="wrong"), "seed")
    interval_whiskers(line, shown(control["noise"].values), found, label="control: b exact", color=GREY, fmt="s")
    for panel, world in ((mixture, "mixture"), (board, "checkerboard")):
        _learned(panel, study, world)
    legend(line, loc="center left")
    legend(both, loc="lower left", bbox_to_anchor=(0.0, 0.25))
    return figure


def _with_bound(panel, result, arm: str) -> None:
    """Divergences of wrong and exact fields, and Girsanov's bound, on a logarithmic scale."""
    noises = result["noise"].values
    for i, (name, said) in enumerate(((arm, "wrong fields"), ("exact", "exact fields"))):
        found = interval(result["kl"].sel(arm=name), "seed")
        interval_whiskers(panel, shown(noises), found, label=said, color=COLOURS[i], fmt="o-")
    bound = result["bound"].sel(arm=arm).isel(seed=0).values
    panel.plot(noises[noises > 0], bound[noises > 0], "--", color=COLOURS[6], linewidth=1, label="bound")
    panel.set(yscale="log", ylabel=named(result["kl"], "KL(target, sampled)"))
    noise_axis(panel, noises)


def _learned(panel, study: Results, world: str) -> None:
    """k-NN divergence of learned samplers by noise, both halves together; the noise that the losses predict."""
    result: Any = study["forecast/learned"]
    found, errors = result[world].to_dataset(), study["entropy/learned"]
    kl, noises = found["kl"].mean("half", keep_attrs=True), found["noise"].values
    for seed in kl["seed"].values:
        panel.plot(shown(noises), kl.sel(seed=seed), ".", color=COLOURS[0], alpha=0.4, markersize=4)
    interval_whiskers(
        panel, shown(noises), interval(kl, "seed"), label="k-NN, seeds and 95 %", color=COLOURS[0], fmt="o-"
    )
    floor = interval(found["kl_floor"].values).centre
    panel.axhline(floor, color=COLOURS[6], linestyle="--", linewidth=0.8, label="k-NN between true samples")
    by_ode = found["kl_likelihood"]
    panel.plot(np.full(by_ode.size, OFF * 0.8), by_ode, "D", color=COLOURS[1], markersize=3, label="ODE by likelihood")
    panel.axvline(
        float(errors["predicted_noise"].sel(world=world).mean()),
        color=GREY,
        linestyle=":",
        label=r"predicted $\epsilon^*$",
    )
    for i, method in enumerate(found["method"].values):
        value = interval(found["kl_method"].sel(method=method).values)
        said = "ODE, half the calls" if method == "ode_half_calls" else str(method)
        panel.axhline(value.centre, color=COLOURS[2 + i], linestyle="-.", linewidth=0.8, label=said)
    if world == "checkerboard" and "forecast/exact_fields" in study:
        control: Any = study["forecast/exact_fields"]
        exact = control[world].to_dataset()
        values = interval(exact["kl"].mean("half", keep_attrs=True), "seed")
        interval_whiskers(
            panel, shown(exact["noise"].values), values, label="control: exact fields", color=GREY, fmt="s-"
        )
    panel.set(ylabel=named(kl, "KL(target, sampled)"), title=f"{WORLDS[world]}, learned")
    noise_axis(panel, noises)
    legend(panel, loc="upper left")
    low, high = panel.get_ylim()
    panel.set_ylim(low, high + 0.9 * (high - low))


def fields(study: Results) -> Figure:
    """Relative errors of learned fields along time; as C3 judges them; the entropy's rate; products of the bound."""
    result: Any = study["entropy/learned"]
    control: Any = study["entropy/path_as_velocity"]
    figure, ((velocity, score), (judged, rate)) = panels(2, 2, height=2.5)
    times = result["time"].values
    for panel, field in ((velocity, "velocity"), (score, "score")):
        for i, (world, said) in enumerate(WORLDS.items()):
            at = {"world": world, "field": field}
            interval_band(
                panel, times, interval(result["error"].sel(at), "seed"), label=f"error, {said}", color=COLOURS[i]
            )
            panel.plot(times, result["size"].sel(at), "--", color=COLOURS[i], linewidth=0.8, label=f"exact, {said}")
        panel.set(yscale="log", xlabel="t", ylabel=f"rms of the {FIELDS[field]}")
        panel.set_ylim(bottom=0.005)
        legend(panel, loc="lower center", ncols=2)
    velocity.set_title("bands: 95 % over seeds")
    fields_judged = ["velocity", "noise", "path"]
    for i, (found, said) in enumerate(((result, "learned"), (control, "control: v for b"))):
        errors = interval(found["relative_error"].sel(world="mixture", field=fields_judged), "seed")
        place = np.arange(3) + 0.15 * i
        interval_whiskers(judged, place, errors, label=said, color=COLOURS[0] if i == 0 else GREY)
    judged.axhline(0.1, color=COLOURS[1], linestyle=":", label="C3 asks for less")
    judged.set(yscale="log", ylabel="relative L2 error", title="five modes", ylim=(0.02, 4))
    names(judged, "x", [FIELDS[name] for name in fields_judged])
    judged.margins(x=0.2)
    legend(judged, loc="upper left")
    for i, (world, said) in enumerate(WORLDS.items()):
        interval_band(
            rate, times, interval(result["entropy_rate"].sel(world=world), "seed"), label=said, color=COLOURS[i]
        )
        rate.plot(times, result["exact_rate"].sel(world=world), "--", color=COLOURS[i], linewidth=0.8)
    rate.set(xlabel="t", ylabel="dH/dt = E[div b] (nat)", title="entropy's rate (broken: exact)")
    legend(rate)
    return figure


def special_cases(study: Results) -> Figure:
    """How far special cases lie from their own terms, and the coupling at which the action is stationary."""
    result: Any = study["entropy/exact"]
    control: Any = study["entropy/no_score"]
    figure, ((forms, couplings),) = panels(1, 2, height=2.7)
    floor = 1e-17
    for found, said, colour, marker in (
        (result, "interpolant", COLOURS[0], "o"),
        (control, "control: no score", GREY, "s"),
    ):
        places = np.arange(found.sizes["form"])
        forms.plot(places, np.maximum(found["form_error"].values, floor), marker, color=colour, label=said)
        couplings.plot(found["diffusion"], found["coupling"].sel(source="stationary"), marker, color=colour, label=said)
    forms.axhline(1e-10, color=COLOURS[1], linestyle=":", label="C6 asks for less")
    forms.set(yscale="log", ylabel="largest difference")
    names(forms, "x", [str(name) for name in result["form"].values], rotation=30)
    forms.margins(x=0.15)
    legend(forms, loc="center right")
    eps = np.linspace(0.05, 1.1 * float(result["diffusion"].max()), 100)
    couplings.plot(
        eps, np.sqrt(1 + eps**2) - eps, color="black", linewidth=0.8, label=r"$\sqrt{1+\epsilon^2}-\epsilon$"
    )
    couplings.set(xlabel=r"diffusion $\epsilon$", ylabel="covariance of the ends", title="Schrödinger bridge")
    legend(couplings)
    return figure
