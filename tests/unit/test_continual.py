"""Known answers of the scores of continual learning, and of what keeps a network near what it knew."""

import numpy as np
import pytest
import torch

from pesin.forecast.continual import average_final, backward_transfer, forgetting
from pesin.models.consolidation import SynapticIntelligence, fisher_diagonal, quadratic_penalty
from pesin.models.mlp import apply_mlp, init_mlp

MATRIX = np.array([[0.9, 0.1, 0.2], [0.95, 0.8, 0.3], [0.5, 0.6, 0.7]])


def test_scores_of_a_matrix_by_hand():
    assert average_final(MATRIX) == pytest.approx(1.8 / 3)
    assert backward_transfer(MATRIX) == pytest.approx(((0.5 - 0.9) + (0.6 - 0.8)) / 2)
    assert forgetting(MATRIX) == pytest.approx(((0.95 - 0.5) + (0.8 - 0.6)) / 2)


def test_what_is_not_forgotten_and_batches():
    kept = np.triu(np.full((4, 4), 0.1), 1) + np.tril(np.full((4, 4), 0.9))
    both = np.stack([kept, np.eye(4)])
    np.testing.assert_allclose(forgetting(both), [0, 1])
    np.testing.assert_allclose(backward_transfer(both), [0, -1])
    np.testing.assert_allclose(average_final(both), [0.9, 0.25])


@pytest.mark.parametrize("bad", [np.ones((2, 3)), np.ones((1, 1)), np.ones(3)])
def test_other_shapes_are_refused(bad):
    with pytest.raises(ValueError, match="two tasks at least"):
        average_final(bad)


def gaussian(parameters, x, y):
    """Log-likelihood of one sample of each run, up to a constant."""
    return -(apply_mlp(parameters, x[:, None], torch.tanh)[:, 0] - y).square().sum(1) / 2


def test_fisher_of_a_linear_model_is_the_mean_square_of_residual_times_input():
    generator = torch.Generator().manual_seed(0)
    parameters = init_mlp(3, [4, 1], generator)
    x, y = torch.randn(3, 50, 4, generator=generator), torch.randn(3, 50, 1, generator=generator)
    rest = y - apply_mlp(parameters, x).detach()
    found = fisher_diagonal(gaussian, parameters, x, y, together=7)
    torch.testing.assert_close(found["weight_0"][..., 0], (rest * x).square().mean(1))
    torch.testing.assert_close(found["bias_0"][:, 0, 0], rest[..., 0].square().mean(1))


def test_fisher_is_that_of_autograd_sample_by_sample_and_keeps_runs_apart():
    generator = torch.Generator().manual_seed(1)
    parameters = init_mlp(2, [3, 5, 2], generator)
    x, y = torch.randn(2, 6, 3, generator=generator), torch.randn(2, 6, 2, generator=generator)
    found = fisher_diagonal(gaussian, parameters, x, y)
    for run in range(2):
        own = {name: value.detach()[run : run + 1].requires_grad_() for name, value in parameters.items()}
        scores = [
            torch.autograd.grad(gaussian(own, x[run : run + 1, i], y[run : run + 1, i]).sum(), list(own.values()))
            for i in range(6)
        ]
        for place, name in enumerate(own):
            slow = torch.stack([score[place] for score in scores]).square().mean(0)
            torch.testing.assert_close(found[name][run : run + 1], slow)


def test_penalty_by_hand():
    anchors = {"w": torch.tensor([[1.0, 2.0], [0.0, 0.0]])}
    moved, importance = {"w": torch.tensor([[2.0, 0.0], [1.0, 1.0]])}, {"w": torch.tensor([[3.0, 0.5], [0.0, 2.0]])}
    assert quadratic_penalty(moved, anchors, importance).tolist() == [(3 + 0.5 * 4) / 2, 1.0]


def quadratic_descent(steps, rate, curvature):
    """Gradient descent on sum_i curvature_i w_i^2 / 2 from w = 1, watched."""
    w = {"w": torch.ones(1, 2, dtype=torch.float64)}
    keeper = SynapticIntelligence(w, damping=0.0)
    for _ in range(steps):
        gradients = {"w": curvature * w["w"]}
        after = {"w": w["w"] - rate * gradients["w"]}
        keeper.observe(gradients, w, after)
        w = after
    keeper.consolidate(w)
    return keeper, w


def test_the_path_sums_to_what_the_loss_has_lost():
    """On a quadratic loss, in the limit of small steps: c (1 - w^2) / 2 over (1 - w)^2."""
    curvature = torch.tensor([[4.0, 1.0]], dtype=torch.float64)
    keeper, w = quadratic_descent(4000, 1e-3, curvature)
    lost = curvature * (1 - w["w"] ** 2) / 2
    torch.testing.assert_close(keeper.importance["w"], lost / (1 - w["w"]) ** 2, rtol=3e-3, atol=0)
    assert torch.equal(keeper.anchors["w"], w["w"])


def test_a_weight_that_stays_has_no_importance_and_one_that_climbs_no_negative_one():
    start = {"w": torch.zeros(1, 2)}
    keeper = SynapticIntelligence(start)
    after = {"w": torch.tensor([[0.0, 1.0]])}
    keeper.observe({"w": torch.ones(1, 2)}, start, after)
    keeper.consolidate(after)
    assert keeper.importance["w"].tolist() == [[0.0, 0.0]]


def test_a_keeper_goes_on_from_its_arrays():
    curvature = torch.tensor([[4.0, 1.0]], dtype=torch.float64)
    keeper, w = quadratic_descent(10, 0.01, curvature)
    other = SynapticIntelligence({"w": torch.zeros(1, 2, dtype=torch.float64)}, damping=0.0)
    other.restore({name: value.copy() for name, value in keeper.arrays().items()})
    assert all(np.array_equal(value, other.arrays()[name]) for name, value in keeper.arrays().items())
