"""How well the trained networks predict: held-out losses, their order, divergence, and other learning rates."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.entropy_guided_attention.networks.ends import by_role, settled
from studies.entropy_guided_attention.networks.params import Params, Scores

HELD_OUT = "held-out loss, mean over the last part of training; the ceiling for runs that diverged"
LEARNT = "share of the way from a table of symbol pairs to the source's own entropy"
DIVERGENCE = "whether training diverged (0, 1)"
ORDER = "Kendall's tau of the losses with the paper's order"


def forecast(case: Case[Params], trained: xr.DataTree) -> xr.Dataset:
    """Return losses by variant and role, the agreement of their order with the paper's, divergence, other rates."""
    params = case.params.forecast
    main, deep = (trained[name].to_dataset().isel({"rate": 0}, drop=True) for name in ("main", "deep"))
    loss = final_loss(params, main)
    if params.shuffle:
        axis = loss.get_axis_num("variant")
        loss = loss.copy(data=case.rng("shuffled variants").permuted(loss.values, axis=axis))
    share = learnt(loss, main.attrs)
    lost = diverged(params, main).astype(float)
    variables = {"perplexity": labelled(loss.dims, np.exp(loss), "held-out perplexity")}
    said = {"loss": (loss, HELD_OUT, "nat"), "learnt": (share, LEARNT, "1"), "diverged": (lost, DIVERGENCE, "1")}
    for name, (values, text, units) in said.items():
        roles = by_role(values, params.roles)
        variables[name] = labelled(values.dims, values, text, units)
        variables[f"role_{name}"] = labelled(roles.dims, roles, text, units)
    ranked = loss.sel({"variant": params.roles.order})
    gap = loss.sel({"variant": params.roles.bare}) - ranked.drop_sel({"variant": params.roles.bare}).max("variant")
    variables |= {
        "tau": labelled("seed", kendall(ranked.transpose("seed", "variant").values), ORDER),
        "worst_gap": labelled("seed", gap, "loss of the bare network above the largest of the others", "nat"),
    }
    pair = [params.roles.normed, params.roles.bare]
    deep_lost, deep_share = diverged(params, deep), learnt(final_loss(params, deep), deep.attrs)
    for name, values, text in (
        ("deep_diverged", deep_lost.astype(float), DIVERGENCE),
        ("deep_learnt", deep_share, LEARNT),
    ):
        arms = values.sel({"variant": pair}).rename({"variant": "deep_role", "seed": "deep_seed"})
        variables[name] = labelled(arms.dims, arms.values, f"{text}, deep networks")
    coordinates = {"variant": loss["variant"], "seed": loss["seed"], "role": list(params.roles.named)}
    coordinates |= {"deep_role": ["normed", "bare"], "deep_seed": deep["seed"].values}
    return xr.Dataset(variables, coordinates).merge(other_rates(params, trained))


def diverged(params: Scores, found: xr.Dataset) -> xr.DataArray:
    """True for a run whose training loss passes a multiple of its first, or stops being finite."""
    loss = found["loss"]
    return (loss > params.diverged * loss.isel({"step": 0})).any("step") | ~(abs(loss) < np.inf).all("step")


def final_loss(params: Scores, found: xr.Dataset) -> xr.DataArray:
    """Held-out loss, mean over the last part of training; for diverged runs a ceiling, so that they are worst."""
    top = params.diverged * float(np.log(found.attrs["symbols"]))
    loss = settled(found["probe_loss"], params.last).clip(max=top).fillna(top)
    return xr.where(diverged(params, found), top, loss)


def learnt(loss: xr.DataArray, known: dict) -> xr.DataArray:
    """Share of the way from the pair table to the source (text: to 0); below 0, not even pairs are learnt."""
    return (known["pairs_loss"] - loss) / (known["pairs_loss"] - known["source_loss"])


def kendall(values: np.ndarray) -> np.ndarray:
    """Kendall's tau of each row with a rising order; ties count 0. Shape (..., n) -> (...)."""
    i, j = np.triu_indices(values.shape[-1], 1)
    return np.sign(values[..., j] - values[..., i]).mean(-1)


def other_rates(params: Scores, trained: xr.DataTree) -> xr.Dataset:
    """Losses of the ordered variants at several learning rates, the main one among them, all after as many steps."""
    rates, main = trained["rates"].to_dataset(), trained["main"].to_dataset()
    end = int(rates["probe"].values[-1])
    shared = main.sel({"variant": rates["variant"].values, "seed": rates["seed"].values, "probe": slice(0, end)})
    found = xr.concat([final_loss(params, rates), final_loss(params, shared.isel({"step": slice(0, end)}))], "rate")
    found = found.sortby("rate")
    best = found.min("rate")
    known = [name for name in params.roles.order if name in found["variant"].values]
    agreement = kendall(best.sel({"variant": known}).transpose("seed", "variant").values)
    variables = {
        "rate_loss": labelled(found.dims, found.values, f"{HELD_OUT}, after {end} steps", "nat"),
        "best_rate_tau": labelled("seed", agreement, f"{ORDER}, each at its best rate"),
    }
    renamed = {"variant": "rate_variant", "seed": "rate_seed"}
    return xr.Dataset(variables, found.coords).rename(renamed)
