"""What trained networks say, without torch: laws of ensembles and of their twin, and integrated gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pesin.entropy.gaussian import uncertainty_split
from studies.thermoacoustic_bayesian_forecast import windows
from studies.thermoacoustic_bayesian_forecast.arms import arms_of
from studies.thermoacoustic_bayesian_forecast.params import Train


class Laws(NamedTuple):
    """Normal laws, in units of the amplitude."""

    mean: np.ndarray
    deviation: np.ndarray


class Networks:
    """The networks of one arm: network 0 is the deterministic one, the others are the ensemble.

    Parameters
    ----------
    trained : DataTree
        Of the train step.
    which
        trained, or untrained: as they were before the first update.
    """

    def __init__(self, trained: Any, params: Train, name: str, which: str) -> None:
        arm = next(arm for arm in arms_of(params) if arm.name == name)
        held = trained["weights"].to_dataset().sel(arm=name) if which == "trained" else trained["start"].to_dataset()
        layers = len(params.hidden) + 1
        self.weight = [held[f"weight_{i}"].values.astype(float) for i in range(layers)]
        self.bias = [held[f"bias_{i}"].values.astype(float) for i in range(layers)]
        self.bounds = np.log(params.floor), np.log(params.ceiling)
        scale = trained["scale"].to_dataset().isel(size=arm.size)
        self.input = scale["input_mean"].values[:, None], scale["input_scale"].values[:, None]
        self.shift, self.unit = (scale[part].values[:, None, None] for part in ("target_mean", "target_scale"))
        self.mask = windows.mask(arm.sensors)

    def standard(self, x: np.ndarray) -> np.ndarray:
        """Inputs as networks are given them: (seed, window, input) -> the same."""
        return (x - self.input[0]) / self.input[1] * self.mask

    def laws(self, x: np.ndarray) -> Laws:
        """Each network's law at inputs in their own units: (seed, window, input) -> (seed, network, window)."""
        out = self._layers(self.standard(x))[-1]
        low, high = self.bounds
        log = low + np.logaddexp(0, high - np.logaddexp(0, high - out[..., 1]) - low)
        return Laws(self.shift + self.unit * out[..., 0], self.unit * np.exp(log))

    def attributions(self, x: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray]:
        """Integrated gradients of the ensemble's mean from the training mean to x (Sundararajan and others 2017).

        The path is integrated by Gauss and Legendre's rule.

        Parameters
        ----------
        x : ndarray, shape (seed, window, input)

        Returns
        -------
        (attributions, difference) : shapes (seed, window, input), (seed, window)
            Their sum over inputs is the difference of the ensemble's mean at x from that at the baseline, but for the
            error of the quadrature.
        """
        z = self.standard(x)
        node, weight = np.polynomial.legendre.leggauss(points)
        slope = sum(w / 2 * self._slope((t + 1) / 2 * z) for t, w in zip(node, weight, strict=True))
        ends = [self._layers(end)[-1][:, 1:, :, 0].mean(1) for end in (z, np.zeros_like(z))]
        return z * slope * self.unit, (ends[0] - ends[1]) * self.unit[..., 0]

    def _layers(self, z: np.ndarray) -> list[np.ndarray]:
        """What each layer gives, (seed, network, window, width)."""
        x, found = z[:, None], []
        for i, (weight, bias) in enumerate(zip(self.weight, self.bias, strict=True)):
            x = x @ weight
            x += bias
            if i < len(self.weight) - 1:
                np.tanh(x, out=x)
            found.append(x)
        return found

    def _slope(self, z: np.ndarray) -> np.ndarray:
        """Gradient of the ensemble's mean, in standard deviations, (seed, window, input)."""
        *hidden, _ = self._layers(z)
        back = np.swapaxes(self.weight[-1][..., :1], -1, -2)
        for h, weight in zip(reversed(hidden), reversed(self.weight[:-1]), strict=True):
            back = back * (1 - h**2) @ np.swapaxes(weight, -1, -2)
        return back[:, 1:].mean(1)


def ensemble(laws: Laws, copies: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, aleatoric and epistemic variance of the ensemble, (seed, window) each.

    Parameters
    ----------
    laws
        Of all networks, (seed, network, window).
    copies
        The deterministic network stands in for all members.
    """
    number = laws.mean.shape[1]
    mean, deviation = (np.moveaxis(part[:, [0] * (number - 1)] if copies else part[:, 1:], 1, -1) for part in laws)
    return mean.mean(-1), *uncertainty_split(mean, deviation)
