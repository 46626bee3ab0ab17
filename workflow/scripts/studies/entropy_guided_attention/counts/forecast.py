"""Counts what a network computes, by watching a block of it run."""

from __future__ import annotations

import torch
import xarray as xr
from torch.overrides import TorchFunctionMode

from pesin.models.transformer import Transformer
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.entropy_guided_attention.counts.params import Network, Params

NONLINEAR = {"softmax": "softmax", "layer_norm": "layernorm", "gelu": "activation", "relu": "activation"}
KINDS = ("softmax", "layernorm", "activation")


def forecast(case: Case[Params]) -> xr.Dataset:
    """Return each count beside the paper's, and the elements that nonlinear operations work on."""
    params = case.params.forecast
    counted = {name: count(network) for name, network in params.networks.items()}
    entries = params.published
    found = [counted[one.network][one.part] for one in entries]
    elements = [[one[f"{kind}_elements"] for kind in KINDS] for one in counted.values()]
    variables = {
        "counted": labelled("entry", found, "operations counted in the network"),
        "published": labelled("entry", [one.value for one in entries], "operations that the paper gives", role="truth"),
        "elements": labelled(("network", "kind"), elements, "elements that nonlinear operations work on"),
    }
    said = [f"{one.network}, {one.part.replace('_', ' ')}" for one in entries]
    return xr.Dataset(variables, {"entry": said, "network": list(counted), "kind": list(KINDS)})


class Operations(TorchFunctionMode):
    """Records products of matrices and nonlinear operations in their order, and marks; products aren't carried out."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, float]] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name in ("rand", "randn"):  # nor are weights drawn
            return torch.zeros(*args)
        if name in ("bmm", "baddbmm"):
            left, right = args[-2:]
            self.seen.append(("product", 2.0 * left.numel() * right.shape[-1]))
            return left.new_zeros(*left.shape[:-1], right.shape[-1])
        out = func(*args, **(kwargs or {}))
        if name in NONLINEAR:
            self.seen.append((NONLINEAR[name], float(out.numel())))
        return out

    def mark(self, name: str, layer: int, tensor: torch.Tensor) -> None:
        """Where the network is: what `watch` is told."""
        self.seen.append((f"at {name}", 0.0))


def count(asked: Network) -> dict[str, float]:
    """Operations of one forward pass over one sequence, embeddings, head and the last norm left out.

    One block is run: all are alike. A multiplication with its addition counts two. As in the paper's tables, the
    product of attention and values counts its causal half and that of queries and keys the whole: 3 T^2 d for each
    layer, where all entries would be 4 T^2 d.
    """
    net = Transformer(
        1, 1, asked.context, asked.width, 1, asked.heads, activation=asked.activation,
        norm="pre" if asked.layernorm else "none", mlp="fused" if asked.fused else "full",
    )  # fmt: skip
    with Operations() as operations, torch.no_grad():
        weights = net.init_parameters(1, torch.Generator())
        operations.seen.clear()
        net(weights, torch.zeros(1, 1, asked.context, dtype=torch.int64), operations.mark)
    return summed(operations.seen, asked)


def summed(seen: list[tuple[str, float]], asked: Network) -> dict[str, float]:
    """Sums over all blocks: the first two products after the softmax are attention's own, the rest is the FFN's."""
    found = dict.fromkeys(("ffn_flops", "attention_flops", *(f"{kind}_elements" for kind in KINDS)), 0.0)
    end = max(i for i, (name, _) in enumerate(seen) if name == "at residual")
    after = 0
    for name, size in seen[:end]:
        if name == "at attention_input":
            after = 0
        elif name == "at attention":
            after = 1
        elif name == "product":
            part = "ffn_flops" if after > 2 else "attention_flops"
            found[part] += size / 2 if after == 1 else size  # attention times values: the causal half
            after += after > 0
        elif name in KINDS:
            found[f"{name}_elements"] += size
    sizes = {"softmax": asked.context**2, "layernorm": asked.context * asked.width}
    sizes["activation"] = 4 * sizes["layernorm"]
    found = {key: value * asked.layers for key, value in found.items()}
    return found | {f"{kind}_matrices": found[f"{kind}_elements"] / sizes[kind] for kind in KINDS}
