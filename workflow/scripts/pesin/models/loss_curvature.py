"""The Hessian of a loss without the matrix: products with vectors, and its largest eigenvalues by power iteration."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from pesin.models.mlp import Parameters


def hessian_product(
    loss_of: Callable[[Parameters], torch.Tensor], parameters: Parameters, vector: Parameters
) -> Parameters:
    """Hessian of each run's loss times a vector (Pearlmutter, Neural Computation 6, 147, 1994).

    Parameters
    ----------
    loss_of
        Parameters -> losses, shape (runs,), each a function of its own run's parameters alone.
    parameters, vector
        Tensors of equal names and shapes, first axis the run.
    """
    at = {name: value.detach().requires_grad_() for name, value in parameters.items()}
    gradients = torch.autograd.grad(loss_of(at).sum(), list(at.values()), create_graph=True)
    along = torch.stack([(g * vector[name]).sum() for name, g in zip(at, gradients, strict=True)]).sum()
    products = torch.autograd.grad(along, list(at.values()), materialize_grads=True)
    return dict(zip(at, products, strict=True))


def top_eigenpair(
    loss_of: Callable[[Parameters], torch.Tensor],
    parameters: Parameters,
    start: Parameters,
    iterations: int,
    without: Sequence[Parameters] = (),
) -> tuple[torch.Tensor, Parameters]:
    """The eigenvalue of largest size, of each run's Hessian, and its eigenvector of length 1.

    Parameters
    ----------
    loss_of, parameters
        As for `hessian_product`.
    start
        Where the power iteration begins, such as normal numbers.
    iterations
        An eigenvalue is found up to about (second / first)^(2 iterations).
    without
        Eigenvectors found before, which are taken out: the next eigenvalue is then found.

    Returns
    -------
    (eigenvalue, eigenvector)
        The Rayleigh quotient, shape (runs,), and tensors of the shape of the parameters.
    """
    vector = _unit(_apart(start, without))
    value = torch.zeros(len(next(iter(parameters.values()))))
    for _ in range(iterations):
        product = _apart(hessian_product(loss_of, parameters, vector), without)
        value, vector = _dot(vector, product), _unit(product)
    return value, vector


def _dot(a: Parameters, b: Parameters) -> torch.Tensor:
    """Inner product of each run, shape (runs,)."""
    return torch.stack([(a[name] * b[name]).flatten(1).sum(1) for name in a]).sum(0)


def _scaled(a: Parameters, factor: torch.Tensor) -> Parameters:
    return {name: value * factor.view(-1, *[1] * (value.dim() - 1)) for name, value in a.items()}


def _unit(a: Parameters) -> Parameters:
    return _scaled(a, 1 / _dot(a, a).sqrt().clamp(min=1e-30))


def _apart(a: Parameters, without: Sequence[Parameters]) -> Parameters:
    for other in without:
        shadow = _scaled(other, _dot(a, other))
        a = {name: value - shadow[name] for name, value in a.items()}
    return a
