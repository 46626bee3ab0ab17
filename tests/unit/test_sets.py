"""Neighbours, graphs and embeddings of sets: known answers, symmetries, and agreement with SciPy and plain loops."""

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from pesin.models.bridges import fourier_features, time_features
from pesin.models.mlp import apply_mlp, init_mlp
from pesin.models.neighbourhoods import nearest, normalised_adjacency
from pesin.models.sets import embed_by_attention, embed_set, init_attention

X = torch.as_tensor(np.random.default_rng(0).normal(size=(2, 3, 20, 2)))


def drawn(sizes=(2, 8, 8, 4), runs=2):
    return {n: v.double() for n, v in init_mlp(runs, sizes, torch.Generator().manual_seed(1)).items()}


def test_neighbours_are_those_of_a_tree():
    found = nearest(X, 4)
    for place in np.ndindex(2, 3):
        cloud = X[place].numpy()
        np.testing.assert_array_equal(found[place], cKDTree(cloud).query(cloud, 5)[1][:, 1:])


def test_points_at_one_place_are_neighbours_and_no_point_is_its_own():
    x = torch.tensor([[0.0], [0.0], [5.0]])
    assert nearest(x, 1)[:2].flatten().tolist() == [1, 0]
    with pytest.raises(ValueError, match="2 other points"):
        nearest(x, 3)


def test_the_adjacency_of_a_row_of_three():
    """Ends have two entries (themselves and the middle), the middle three: 1/2, 1/3 and 1/sqrt 6."""
    found = normalised_adjacency(torch.tensor([[1], [0], [1]]))
    off = 6**-0.5
    np.testing.assert_allclose(found, [[1 / 2, off, 0], [off, 1 / 3, off], [0, off, 1 / 2]], atol=1e-7)


def test_the_adjacency_is_symmetric_with_largest_eigenvalue_one():
    found = normalised_adjacency(nearest(X, 3)).double()
    torch.testing.assert_close(found, found.mT)
    np.testing.assert_allclose(torch.linalg.eigvalsh(found)[..., -1], 1, atol=1e-6)


@pytest.mark.parametrize("kind", ["sets", "graph", "attention"])
def test_an_embedding_has_unit_length_and_does_not_hang_on_the_order(kind):
    parameters = drawn()
    if kind == "attention":
        attention = init_attention(2, 2, 8, 4, torch.Generator().manual_seed(1))
        attention = {n: v.double() for n, v in attention.items()}

    def embed(x):
        if kind == "attention":
            return embed_by_attention(attention, x)
        return embed_set(parameters, x, normalised_adjacency(nearest(x, 3)).double() if kind == "graph" else None)

    found = embed(X)
    assert found.shape == (2, 3, 4)
    np.testing.assert_allclose(found.square().sum(-1).detach(), 1)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(embed(X[:, :, order]), found)
    changed = X.clone()
    changed[0, 1, 3] += 1
    moved = (embed(changed) - found).abs().amax(-1) > 1e-4
    assert moved[0, 1] and moved.sum() == 1, "runs and sets don't mix, and a point that moves is seen"


def test_a_graph_network_is_what_loops_say():
    parameters, adjacency = drawn(), normalised_adjacency(nearest(X, 3)).double()
    h, a = X[1, 2].numpy(), adjacency[1, 2].numpy()
    for layer in range(3):
        weight, bias = (parameters[f"{n}_{layer}"][1].detach().numpy() for n in ("weight", "bias"))
        h = a @ (h @ weight) + bias
        h = np.maximum(h, 0) if layer < 2 else h
    known = h.mean(0) / np.linalg.norm(h.mean(0))
    np.testing.assert_allclose(embed_set(parameters, X, adjacency)[1, 2].detach(), known)


def test_deep_sets_are_a_graph_without_edges_and_one_point_a_plain_network():
    parameters = drawn()
    alone = torch.eye(20, dtype=torch.float64).expand(2, 3, 20, 20)
    torch.testing.assert_close(embed_set(parameters, X), embed_set(parameters, X, alone))
    one = X.mean(-2)
    known = torch.nn.functional.normalize(apply_mlp(parameters, one, torch.relu), dim=-1)
    torch.testing.assert_close(embed_set(parameters, one.unsqueeze(-2)), known)


def test_attention_of_equal_keys_is_a_mean():
    """With no key, all points take the mean of the values."""
    parameters = {n: v.double() for n, v in init_attention(2, 2, 8, 4, torch.Generator().manual_seed(1)).items()}
    parameters["key"] = torch.zeros_like(parameters["key"])
    h = torch.relu(X.flatten(1, 2) @ parameters["weight_0"] + parameters["bias_0"]).unflatten(1, (3, 20))
    taken = h.mean(-2, keepdim=True) @ parameters["value"].unsqueeze(1)
    out = torch.relu(h + taken) @ parameters["weight_1"].unsqueeze(1) + parameters["bias_1"].unsqueeze(1)
    known = torch.nn.functional.normalize(out.mean(-2), dim=-1)
    torch.testing.assert_close(embed_by_attention(parameters, X), known)


@pytest.mark.parametrize("given", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
def test_features_of_time_and_place(given):
    t = given(np.array([[0.0], [1 / 3], [1.0]]))
    half = 3**0.5 / 2
    known = [[0, 0, 1, 1], [0.5, half, half, 0.5], [1, 0, 0, -1]]
    np.testing.assert_allclose(time_features(t, 4), known, atol=1e-12)
    with pytest.raises(ValueError, match="even"):
        time_features(t, 3)
    x = given(np.array([[0.25, 0.5]]))
    np.testing.assert_allclose(fourier_features(x, given(np.eye(2))), [[1, 0, 0, -1]], atol=1e-12)
