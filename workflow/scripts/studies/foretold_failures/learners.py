"""Networks of the three worlds: how they begin, what they lose, what a look at them finds, and how well they end.

Runs are seeds, draws within; all are trained in one axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import relu

from pesin.models.losses import runs_cross_entropy
from pesin.models.mlp import Parameters, init_mlp
from pesin.models.transformer import Transformer
from pesin.steps.case import Case
from pesin.systems.token_sources import copy_and_markov
from studies.foretold_failures.params import Params, World

Look = dict[str, torch.Tensor]
SEQUENCES: World = "sequences"
DIGITS: World = "digits"
CHOICES: World = "choices"


class Learner(NamedTuple):
    """parameters: of all runs. loss: rng -> (runs,). score: -> (runs,). matrices: those whose spectrum is looked at.

    look: -> hidden (runs, points, width), output (runs, points, outputs; logits), loss (runs,; minus the expected
    reward where there are rewards) and, where there is attention, its entropy (runs,) over the largest possible.
    """

    parameters: Parameters
    loss: Callable[[np.random.Generator], torch.Tensor]
    look: Callable[[], Look]
    score: Callable[[], torch.Tensor]
    matrices: tuple[str, ...]


def _mlp(parameters: Parameters, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs, and the last hidden layer, of networks made by `init_mlp`."""
    last = len(parameters) // 2 - 1
    for layer in range(last):
        x = relu(torch.baddbmm(parameters[f"bias_{layer}"], x, parameters[f"weight_{layer}"]))
    return torch.baddbmm(parameters[f"bias_{last}"], x, parameters[f"weight_{last}"]), x


def _scaled(parameters: Parameters, gain: torch.Tensor, names: tuple[str, ...]) -> Parameters:
    """The named parameters times each run's gain, as leaves."""
    return {
        name: (value * gain.view(-1, *[1] * (value.dim() - 1)) if name in names else value).detach().requires_grad_()
        for name, value in parameters.items()
    }


def _perceptrons(case: Case[Params], name: str, sizes: list[int], gain: torch.Tensor) -> Parameters:
    """One draw of weights for each run, times its gain."""
    parameters = init_mlp(len(gain), sizes, torch.Generator().manual_seed(case.seed(f"weights {name}")), case.device)
    return _scaled(parameters, gain, tuple(key for key in parameters if key.startswith("weight")))


def _tensor(case: Case[Params], data: xr.Dataset, name: str, dtype=torch.float32) -> torch.Tensor:
    """A variable of each seed, once for each of its draws."""
    found = np.repeat(data[name].values, case.params.simulate.draws, 0)
    return torch.as_tensor(found, dtype=dtype, device=case.device)


def _picked(x: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """x (runs, items, ...) at chosen (runs, batch)."""
    return x[torch.arange(len(x), device=x.device)[:, None], chosen]


def _gain(case: Case[Params], data: xr.Dataset) -> torch.Tensor:
    return torch.as_tensor(data["gain"].values.ravel(), dtype=torch.float32, device=case.device)


def sequences(case: Case[Params], data: xr.Dataset) -> Learner:
    """Transformers that foretell the next token; new sequences in each update. Score: minus the held-out loss, nat."""
    s, p = case.params.simulate, case.params.train
    net = Transformer(s.symbols, s.symbols, s.length - 1, p.width, p.layers, 2, init=0.1, embedding_std=1.0)
    gain = _gain(case, data)
    drawn = net.init_parameters(len(gain), torch.Generator().manual_seed(case.seed("weights sequences")), case.device)
    parameters = {name: value.detach() for name, value in drawn.items()}
    parameters["qkv"][:, :, :2] *= gain.view(-1, 1, 1, 1, 1)
    parameters = {name: value.requires_grad_() for name, value in parameters.items()}
    tables, held_out = data["transition"].values, _tensor(case, data, "held_out", torch.int64)
    most = torch.log(torch.arange(2, s.length, device=gain.device, dtype=torch.float32))

    def loss(rng: np.random.Generator) -> torch.Tensor:
        tokens = np.stack([copy_and_markov((s.worlds[SEQUENCES].batch, s.length), s.lag, one, rng) for one in tables])
        batch = torch.as_tensor(np.repeat(tokens, s.draws, 0), dtype=torch.int64, device=gain.device)
        return runs_cross_entropy(net(parameters, batch[..., :-1]), batch[..., 1:])

    def look() -> Look:
        found: Look = {}
        rows = []

        def watch(name: str, layer: int, tensor: torch.Tensor) -> None:
            if name == "attention":
                rows.append((torch.special.entr(tensor).sum(-1)[..., 1:] / most).mean((1, 2, 3)))
            if name == "residual":
                found["hidden"] = tensor[:, :, -1]

        seen = held_out[:, : p.points]
        output = net(parameters, seen[..., :-1], watch)
        found |= {"output": output[:, :, -1], "loss": runs_cross_entropy(output, seen[..., 1:])}
        return found | {"attention": torch.stack(rows).mean(0)}

    def score() -> torch.Tensor:
        return -runs_cross_entropy(net(parameters, held_out[..., :-1]), held_out[..., 1:])

    return Learner(parameters, loss, look, score, ("qkv", "out", "up", "down"))


def digits(case: Case[Params], data: xr.Dataset) -> Learner:
    """Classifiers of images. Score: accuracy on test images."""
    p, gain = case.params.train, _gain(case, data)
    x, labels = _tensor(case, data, "pixels"), _tensor(case, data, "labels", torch.int64)
    seen, asked = _tensor(case, data, "held_out"), _tensor(case, data, "asked", torch.int64)
    parameters = _perceptrons(case, "digits", [x.shape[-1], *[p.width] * p.layers, 10], gain)

    def loss(rng: np.random.Generator) -> torch.Tensor:
        chosen = _batch(case, rng, DIGITS, x.shape[1])
        return runs_cross_entropy(_mlp(parameters, _picked(x, chosen))[0], _picked(labels, chosen))

    def look() -> Look:
        output, hidden = _mlp(parameters, seen[:, : p.points])
        return {"output": output, "hidden": hidden, "loss": runs_cross_entropy(output, asked[:, : p.points])}

    def score() -> torch.Tensor:
        return (_mlp(parameters, seen)[0].argmax(-1) == asked).float().mean(1)

    return Learner(parameters, loss, look, score, tuple(name for name in parameters if name.startswith("weight")))


def choices(case: Case[Params], data: xr.Dataset) -> Learner:
    """Policies by REINFORCE, each batch's mean reward as baseline. Score: mean reward of the likeliest actions."""
    p, gain = case.params.train, _gain(case, data)
    x, pay = _tensor(case, data, "contexts"), _tensor(case, data, "pay")
    parameters = _perceptrons(case, "choices", [x.shape[-1], *[p.width] * p.layers, pay.shape[-1]], gain)

    def loss(rng: np.random.Generator) -> torch.Tensor:
        chosen = _batch(case, rng, CHOICES, x.shape[1])
        logs = _mlp(parameters, _picked(x, chosen))[0].log_softmax(-1)
        seeds, draws = case.params.simulate.seeds, case.params.simulate.draws
        level = np.repeat(rng.random((seeds, chosen.shape[1])), draws, 0)
        drawn = torch.as_tensor(level, dtype=torch.float32, device=gain.device)
        action = (logs.detach().exp().cumsum(-1) < drawn[..., None]).sum(-1).clamp(max=pay.shape[-1] - 1)
        reward = _picked(pay, chosen).gather(-1, action[..., None])[..., 0]
        better = reward - reward.mean(1, keepdim=True)
        return -(better * logs.gather(-1, action[..., None])[..., 0]).mean(1)

    def look() -> Look:
        output, hidden = _mlp(parameters, x[:, : p.points])
        lost = -(output.softmax(-1) * pay[:, : p.points]).sum(-1).mean(1)
        return {"output": output, "hidden": hidden, "loss": lost}

    def score() -> torch.Tensor:
        return pay.gather(-1, _mlp(parameters, x)[0].argmax(-1, keepdim=True))[..., 0].mean(1)

    return Learner(parameters, loss, look, score, tuple(name for name in parameters if name.startswith("weight")))


def _batch(case: Case[Params], rng: np.random.Generator, world: World, items: int) -> torch.Tensor:
    """Items of each update, (runs, batch): those of a seed see the same."""
    s = case.params.simulate
    chosen = np.repeat(rng.integers(items, size=(s.seeds, s.worlds[world].batch)), s.draws, 0)
    return torch.as_tensor(chosen, device=case.device)


LEARNERS = {SEQUENCES: sequences, DIGITS: digits, CHOICES: choices}
