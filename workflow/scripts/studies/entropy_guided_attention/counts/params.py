"""Types of the parameters of the counts of operations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from pesin.params import Model, MultiHead, Name


class Network(MultiHead):
    """A network of one sequence, whose operations are counted."""

    layers: PositiveInt
    context: PositiveInt
    layernorm: bool = False
    activation: Literal["gelu", "relu", "identity"] = "identity"
    fused: bool = False


class Published(Model):
    """A number of the paper."""

    network: Name
    part: Literal["ffn_flops", "attention_flops", "softmax_matrices", "layernorm_matrices", "activation_matrices"]
    value: Annotated[float, Field(ge=0)]


class Counting(Model):
    """What is counted, and what it is compared with."""

    networks: dict[Name, Network]
    published: Annotated[list[Published], Field(min_length=1)]


class Params(Model):
    """Counts of operations (C7)."""

    forecast: Counting

    @model_validator(mode="after")
    def _known(self):
        for i, one in enumerate(self.forecast.published):
            if one.network not in self.forecast.networks:
                raise ValueError(f"forecast.published[{i}].network: '{one.network}' is none of the networks")
        return self
