"""What steered agents do: held-out loss and damage, entropy at a matched rate of invalid outputs, closed-loop play."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import torch
import xarray as xr

from pesin.models.sampling import adjusted, ancestral
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.entropic_activation_steering.agents import (
    Answers,
    Sampler,
    allowed_tokens,
    best_on_the_way,
    between,
    make_net,
    null_shift_of,
    read_weights,
    sampled,
    shift_of,
    steered,
)
from studies.entropic_activation_steering.params import Params
from studies.entropic_activation_steering.simulate import SAME
from studies.entropic_activation_steering.world import ACTION, ARMS, START, THOUGHT, THOUGHTS, binned

NULL = "random directions"
LOOPS = {
    "switches": ("changes of the arm in an episode", "1"),
    "less_tried": ("share of pulls of the less-tried arm", "1"),
    "regret": ("regret of an episode, standard deviations of the reward", "1"),
    "suffix_failure": ("share of episodes without the best arm in their second half", "1"),
}


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Return how much agents have learnt, damage by dose, the matched comparison (C3) and the closed loop (C5)."""
    params = case.params.forecast
    net, weights = make_net(case.params.train, data.sizes["position"]), read_weights(trained, case.device)
    test = data["test_tokens"].sel({"task": SAME}).values
    shifts = {dose: shift_of(trained, params.steer, dose) for dose in params.doses}
    _, loss = predictions(net, weights, data["vector_tokens"].values, None, case.device)
    plain, _ = predictions(net, weights, test, None, case.device)
    harm = [damage(plain, predictions(net, weights, test, shift, case.device)[0]) for shift in shifts.values()]
    nulls = [null_shift_of(trained, "random", i, params.dose) for i in range(case.params.train.directions)]
    null_harm = [damage(plain, predictions(net, weights, test, shift, case.device)[0]) for shift in nulls]
    span = data.attrs["table_loss"] - data.attrs["own_loss"]
    harmed = "KL of steered from plain predictions of rewards"
    variables = {
        "held_out_loss": labelled("agent", loss, "held-out loss on thoughts and actions", "nat"),
        "learnt": labelled(
            "agent",
            (data.attrs["table_loss"] - loss) / span,
            "share of the way from one step's memory to the demonstrator",
        ),
        "damage": labelled(("dose", "agent"), np.stack(harm), harmed, "nat", may_be_constant=1),
        "null_damage": labelled(
            ("null", "agent"), np.stack(null_harm), f"{harmed}, random directions", "nat", may_be_constant=1
        ),
    }
    variables |= matched(case, data, net, weights, shifts)
    variables |= loops(case, trained, net, weights)
    coordinates = {
        "agent": data["agent"], "dose": params.doses, "arm_dose": params.loop_doses,
        "loop_direction": [params.steer, NULL],
        "sampler": [*(f"temperature {t:g}" for t in params.temperatures), *(f"top-p {p:g}" for p in params.top_p)],
    }  # fmt: skip
    return xr.Dataset(variables, coordinates)


def predictions(net, weights, tokens: np.ndarray, shift, device: str) -> tuple[torch.Tensor, np.ndarray]:
    """Log-probabilities of what follows actions (agents, ...), and the loss on thoughts and actions, (agents,)."""
    episodes = torch.as_tensor(tokens.astype(np.int64), device=device).expand(len(weights["place"]), -1, -1)
    with torch.no_grad():
        found = steered(net, weights, shift)(episodes[..., :-1]).log_softmax(-1).double()
    right = found.gather(-1, episodes[..., 1:, None])[..., 0].unflatten(2, (-1, 3))
    return found[:, :, 2::3], -right[..., :2].flatten(1).mean(1).numpy(force=True)


def damage(plain: torch.Tensor, other: torch.Tensor) -> np.ndarray:
    """Mean KL divergence of the steered predictions from the plain ones, nat, (agents,)."""
    return (plain.exp() * (plain - other)).sum(-1).flatten(1).mean(1).numpy(force=True)


# ------------------------------------------------------------------------------- at a matched rate of invalid outputs


def matched(case: Case[Params], data: xr.Dataset, net, weights, shifts: dict[float, torch.Tensor]) -> dict[str, tuple]:
    """Action entropy and invalid rate of each dose and each sampler on the test set; each agent's best allowed ones.

    The setting is chosen on the choice set: the largest entropy among those whose invalid rate is small enough, and the
    places between two doses or two temperatures where it just is.
    """
    params, agents, device = case.params.forecast, data.sizes["agent"], case.device
    samplers: list[Sampler] = [partial(adjusted, temperature=t) for t in params.temperatures]
    samplers += [partial(adjusted, top_p=p) for p in params.top_p]

    def told(tokens: np.ndarray, kind: str) -> list[Answers]:
        def under(shift: torch.Tensor | None, samplers: list[Sampler]) -> list[Answers]:
            return sampled(steered(net, weights, shift), tokens, params.probes, agents, device, samplers)

        return under(None, samplers) if kind == "sampler" else [under(s, [adjusted])[0] for s in shifts.values()]

    sets = {"choice": data["choice_tokens"].values, "test": data["test_tokens"].sel({"task": SAME}).values}
    variables: dict[str, tuple] = {}
    for kind in ("dose", "sampler"):
        found = {name: told(tokens, kind) for name, tokens in sets.items()}
        rows = {
            name: (np.stack([a.entropy.mean(1) for a in one]), np.stack([a.invalid.mean(1) for a in one]))
            for name, one in found.items()
        }
        many = len(params.temperatures)
        paths = [slice(None)] if kind == "dose" else [slice(many), slice(many, None)]
        best = best_on_the_way(*rows["choice"], case.params.train.most_invalid, paths)
        h, invalid = rows["test"]
        mine = between(h, best)
        variables |= {
            f"{kind}_entropy": labelled((kind, "agent"), h, "action entropy", "bit"),
            f"{kind}_invalid": labelled((kind, "agent"), invalid, "rate of invalid outputs"),
            f"{kind}_matched_entropy": labelled("agent", mine, "action entropy at few invalid outputs", "bit"),
            f"{kind}_matched": labelled("agent", best, f"place of the chosen {kind}", may_be_constant=1),
        }
    return variables


# --------------------------------------------------------------------------------------------------------- closed loop


def loops(case: Case[Params], trained: xr.DataTree, net, weights) -> dict[str, tuple]:
    """Play the bandit, all doses with the same arms, noise and uniform numbers."""
    params, world = case.params.forecast, case.params.simulate
    rng, shape = case.rng("closed loop"), (params.loop_episodes, world.horizon)
    means = rng.normal(0, world.prior_sd, (params.loop_episodes, ARMS))
    noise, uniform = rng.normal(0, world.noise_sd, shape), rng.random((*shape, 2))

    @cache
    def scores(direction: str, dose: float) -> dict[str, np.ndarray]:
        if dose == 0 and direction == NULL:
            return scores(params.steer, dose)
        shift = null_of_episodes(trained, dose, len(means)) if direction == NULL else shift_of(trained, direction, dose)
        model = steered(net, weights, shift)
        return loop_scores(play(model, means, noise, uniform, len(weights["place"]), case.device), means)

    plain, judged, null = scores(params.steer, 0.0), scores(params.steer, params.dose), scores(NULL, params.dose)
    curves = [[scores(direction, dose) for dose in params.loop_doses] for direction in (params.steer, NULL)]
    variables = {}
    for name, (said, units) in LOOPS.items():
        variables[f"plain_{name}"] = labelled("agent", plain[name], f"{said}, not steered", units)
        variables[f"loop_{name}"] = labelled("agent", judged[name], f"{said}, steered", units)
        variables[f"random_{name}"] = labelled("agent", null[name], f"{said}, steered along random directions", units)
        rows = np.array([[one[name] for one in row] for row in curves])
        variables[f"curve_{name}"] = labelled(("loop_direction", "arm_dose", "agent"), rows, said, units)
    return variables


def null_of_episodes(trained: xr.DataTree, dose: float, episodes: int) -> torch.Tensor:
    """Random directions taken in turn, one for each episode: (agents, episodes, layers, width)."""
    every = [null_shift_of(trained, "random", i, dose) for i in range(trained.sizes["null"])]
    return torch.stack(every, 1)[:, np.arange(episodes) % len(every)]


def play(model, means: np.ndarray, noise: np.ndarray, uniform: np.ndarray, agents: int, device: str) -> np.ndarray:
    """Arms pulled, (agents, episodes, steps): a thought and an action are sampled in turn, the bandit answers.

    Parameters
    ----------
    means, noise, uniform : ndarray, shapes (episodes, arms), (episodes, steps), (episodes, steps, 2)
    """
    episodes, steps = noise.shape
    numbers = torch.as_tensor(uniform, device=device).expand(agents, -1, -1, -1)
    thinks, acts = allowed_tokens(THOUGHT, len(THOUGHTS), device), allowed_tokens(ACTION, ARMS, device)
    tokens = torch.full((agents, episodes, 1), START, device=device)
    pulled, row = np.empty((agents, episodes, steps), np.int64), np.arange(episodes)
    for t in range(steps):
        tokens = ancestral(model, tokens, numbers[:, :, t, :1], allowed=thinks)
        tokens = ancestral(model, tokens, numbers[:, :, t, 1:], allowed=acts)
        pulled[..., t] = tokens[..., -1].numpy(force=True) - ACTION
        reward = torch.as_tensor(binned(means[row, pulled[..., t]] + noise[:, t]), device=device)
        tokens = torch.cat([tokens, reward[..., None]], -1)
    return pulled


def loop_scores(pulled: np.ndarray, means: np.ndarray) -> dict[str, np.ndarray]:
    """Exploration and regret, means over episodes: (agents, episodes, steps), (episodes, arms) -> (agents,) each."""
    steps = pulled.shape[-1]
    second = pulled.sum(-1)
    missed = means.max(-1)[:, None] - means[np.arange(len(means))[:, None], pulled]
    best = means.argmax(-1)[:, None]
    found = {
        "switches": (np.diff(pulled, axis=-1) != 0).sum(-1),
        "less_tried": np.minimum(second, steps - second) / steps,
        "regret": missed.sum(-1),
        "suffix_failure": (pulled[..., steps // 2 :] != best).all(-1),
    }
    return {name: values.mean(-1) for name, values in found.items()}
