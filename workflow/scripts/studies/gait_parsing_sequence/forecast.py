"""Recognition of people whom no network has seen, from the codes of their sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.gait_parsing_sequence.params import Params
from studies.gait_parsing_sequence.representations import ARMS, families
from studies.gait_parsing_sequence.retrieval import cumulative, distances, fano, hits, probed, scores

SCORES = {
    "rank1": "Rank-1",
    "rank5": "Rank-5",
    "map": "mean average precision",
    "minp": "mean inverse negative penalty",
}
SHOWN = ("silhouette", "skeleton", "parsing")
"""Networks whose Rank-1 under each condition is judged."""
RANKS = 20


def forecast(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """Scores of each network under the wild condition, and of three under all; each sequence is the probe once."""
    groups, params = families(), case.params.forecast

    def found(name: str, condition: str, seed: int, group: str = "codes") -> dict[str, Any]:
        """Of the codes that are judged under a network's name."""
        judged = params.stand_in.get(name, name)
        family = next(first for first, arms in groups.items() if judged in arms)
        codes: Any = trained[f"{family}/{group}"]["codes"]
        at = {"state": params.networks, "arm": judged, "condition": condition, "seed": seed}
        test: Any = data[condition]
        return recognised(codes.sel(at).values, test["person"].values[seed])

    seeds = range(case.params.simulate.seeds)
    wild = {name: [found(name, "wild", seed) for seed in seeds] for name in ARMS}
    conditions = [name for name in data.children if name != "train"]
    hindered = np.array(
        [[[found(name, each, seed, "hindered")["rank1"] for seed in seeds] for each in conditions] for name in SHOWN]
    )
    both = ("network", "seed")

    def of_all(key: str) -> np.ndarray:
        return np.array([[one[key] for one in runs] for runs in wild.values()])

    variables: dict[str, tuple] = {key: (both, of_all(key), said, "1") for key, said in SCORES.items()}
    variables |= {
        "cmc": ((*both, "rank"), of_all("cmc"), "share of probes recognised within the rank", "1"),
        "fano": (both, of_all("fano"), "information on identity, Fano's bound", "bit"),
        "probed": (both, of_all("probed"), "information on identity, a classifier's bound", "bit"),
        "by_condition": (("shown", "condition", "seed"), hindered, "Rank-1", "1"),
    }
    if "clean" in conditions:
        clean, last = (hindered[:, conditions.index(name)] for name in ("clean", "wild"))
        variables["drop"] = (("shown", "seed"), clean - last, "Rank-1 lost from clean to wild", "1")
        share = (clean - last) / np.where(clean > 0, clean, np.nan)
        variables["lost"] = (("shown", "seed"), share, "share of the clean Rank-1 that is lost", "1")
    return xr.Dataset(
        {
            name: labelled(*value, nan=f"{DIVERGED}, or none recognised", may_be_constant=1)
            for name, value in variables.items()
        },
        {
            "network": list(ARMS),
            "shown": list(SHOWN),
            "condition": conditions,
            "seed": list(seeds),
            "rank": np.arange(1, variables["cmc"][1].shape[-1] + 1),
        },
    )


def recognised(codes: np.ndarray, person: np.ndarray) -> dict[str, Any]:
    """Scores, curve of ranks and bounds of the information of codes (sequences, parts, dim); NaN if a run diverged."""
    ranks = min(RANKS, len(codes) - 1)
    if not np.isfinite(codes).all():
        return dict.fromkeys((*SCORES, "fano", "probed"), np.nan) | {"cmc": np.full(ranks, np.nan)}
    apart = distances(codes)
    ranked = hits(apart, person)
    reached = scores(ranked)
    bounds = {"fano": fano(reached["rank1"], len(np.unique(person))), "probed": probed(apart, person)}
    return reached | bounds | {"cmc": cumulative(ranked, ranks)}
