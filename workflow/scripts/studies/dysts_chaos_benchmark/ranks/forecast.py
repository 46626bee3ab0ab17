"""Do forecasters keep their ranks when the data are coarse, or noisy?"""

import numpy as np
import xarray as xr

from pesin.stats.intervals import spearman
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dysts_chaos_benchmark.ranks.params import Params


def forecast(case: Case[Params], fine: xr.Dataset, coarse: xr.Dataset, noisy: xr.Dataset) -> xr.Dataset:
    """Scores of the paper's forecasters that all conditions share, on the systems that all share."""
    p, conditions = case.params.forecast, {"fine": fine, "coarse": coarse, "noisy": noisy}
    listed = [str(name) for name in fine["forecaster"].values[fine["family"].values != "baseline"]]
    listed = [name for name in listed if all(name in data["forecaster"].values for data in conditions.values())]
    shared = [name for name in fine["system"].values if all(name in data["system"].values for data in (coarse, noisy))]
    smape = np.array([data["smape"].sel(forecaster=listed, system=shared).values for data in conditions.values()])
    watched = smape[:, listed.index(p.forecaster)]
    if p.labels == "shuffled":
        smape, watched = case.rng("labels").permuted(smape, axis=1), case.rng("conditions").permuted(watched, axis=0)
    draws = case.rng("systems").integers(len(shared), size=(p.resamples, len(shared)))
    return xr.Dataset(
        {
            "rank_correlation": labelled(
                ("compared", "bound"),
                [_rank_correlation(smape[0], other, draws) for other in smape[1:]],
                "Spearman correlation of the forecasters' mean sMAPE with that on fine data",
            ),
            "mean_smape": labelled(("condition", "forecaster"), smape.mean(-1), "mean sMAPE over systems", "%"),
            "smape": labelled(("condition", "forecaster", "system"), smape, "sMAPE", "%"),
            "median_smape": labelled(
                ("condition", "forecaster"), np.median(smape, -1), "median sMAPE over systems", "%"
            ),
            "watched_smape": labelled(("condition", "system"), watched, f"sMAPE of {p.forecaster}", "%"),
            "watched_median": labelled(
                "condition", np.median(watched, -1), f"median sMAPE of {p.forecaster} over systems", "%"
            ),
        },
        {
            "condition": list(conditions),
            "compared": list(conditions)[1:],
            "bound": ["value", "low", "high"],
            "forecaster": listed,
            "system": shared,
        },
    )


def _rank_correlation(fine: np.ndarray, other: np.ndarray, draws: np.ndarray) -> list[float]:
    """Value and 95 % interval over resampled systems of the rank correlation of means, both (forecaster, system)."""
    resampled = [spearman(fine[:, rows].mean(1), other[:, rows].mean(1)) for rows in draws]
    return [spearman(fine.mean(1), other.mean(1)), *np.quantile(resampled, [0.025, 0.975])]
