"""Types of the parameters of the seven mechanisms."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Share

Units = Annotated[int, Field(ge=3)]


class Channel(Model):
    """C1: a message sent through two gains that oscillate."""

    blocks: Units
    """Independent sets of messages."""
    messages: Annotated[int, Field(ge=100)]
    """In each block and at each lag."""
    lags: Annotated[int, Field(ge=4, multiple_of=4)]
    """Phase lags around the circle; 0, 90 and 180 degrees are among them."""
    duration: PositiveInt
    """ms that a message is held, in steps of 1 ms."""
    period: PositiveInt
    """ms of an oscillation."""
    depth: NonNegativeFloat
    noise: PositiveFloat
    phase: Literal["locked", "random"]
    """random: each message meets a lag of its own. Control."""
    sends: bool
    """false: the sender is silent. Null."""

    @model_validator(mode="after")
    def _whole(self):
        if self.duration % self.period:
            raise ValueError("duration must be a multiple of period: the closed form is that of whole oscillations")
        return self


class Oscillators(Model):
    """C8: Kuramoto's model, frequencies the quantiles of a Lorentzian."""

    starts: Units
    """Sets of random phases to begin with."""
    units: Annotated[int, Field(ge=10)]
    width: PositiveFloat
    """Half width of the Lorentzian, rad/s; synchrony begins at twice that."""
    couplings: Annotated[list[PositiveFloat], Field(min_length=2)]
    step: PositiveFloat
    steps: Annotated[int, Field(ge=40, multiple_of=40)]
    coupled: bool
    """false: coupling off. Control."""
    moves: bool
    """false: phases stay where they are. Null."""


class Buffer(Model):
    """C2: items held by afterdepolarisation under a theta rhythm, one spike at a time."""

    trials: Units
    items: Annotated[int, Field(ge=4)]
    loads: Annotated[list[PositiveInt], Field(min_length=2)]
    """Items loaded, one in each theta cycle; rising."""
    settings: dict[str, tuple[PositiveFloat, PositiveFloat]]
    """Name: time of the feedback inhibition (ms), theta (Hz)."""
    free: Annotated[int, Field(ge=4)]
    """Theta cycles after the last item is loaded."""
    noise: NonNegativeFloat
    """mV, independent in each step and unit."""
    step: Annotated[float, Field(gt=0, le=0.5)]
    """ms."""
    inhibits: bool
    """false: no feedback inhibition. Control."""
    drives: bool
    """false: no theta. Null."""

    @model_validator(mode="after")
    def _fit(self):
        if self.loads != sorted(set(self.loads)) or self.loads[-1] > self.items:
            raise ValueError("loads must rise, and may not exceed items")
        if not {"reference", "short", "long"} <= set(self.settings):
            raise ValueError("settings: give reference, short and long")
        return self


class Synapse(Model):
    """C4: chains of coupled variables."""

    levels: dict[Literal["single", "short", "chain", "long"], PositiveInt]
    """Variables of a chain. Control: one in each."""
    times: Annotated[int, Field(ge=1001)]
    writes: bool
    """false: no memory is written. Null."""


class Patterns(Model):
    """C3: what a net stores."""

    nets: Units
    units: Annotated[int, Field(ge=50)]
    patterns: Annotated[int, Field(ge=5)]
    flipped: Annotated[float, Field(ge=0, lt=0.5)]
    """Share of the first pattern that is flipped in the cue."""


class Codes(Model):
    """C5: sparse and dense patterns."""

    memories: Units
    units: Annotated[int, Field(ge=50)]
    most: PositiveInt
    """Patterns, the last of the grid."""
    levels: dict[Literal["sparse", "middle", "dense"], Share]
    """Share of units that a pattern makes active. Control: all as dense."""

    @model_validator(mode="after")
    def _whole(self):
        for name, level in self.levels.items():
            active = round(level * self.units)
            if not active or self.units % active:
                raise ValueError(f"levels.{name}: units must be a multiple of the number of active ones, {active}")
        return self


class Simulate(Model):
    """Seen by all steps."""

    channel: Channel
    oscillators: Oscillators
    buffer: Buffer
    synapse: Synapse
    patterns: Patterns
    codes: Codes


class Sequence(Model):
    """C3: the delayed net."""

    pull: NonNegativeFloat
    """lambda, of the delayed matrix. Control: 0."""
    delays: Annotated[list[Annotated[int, Field(ge=2)]], Field(min_length=2)]
    cycles: Annotated[int, Field(ge=2)]
    """Times that the slowest goes through its sequence."""
    clear: Annotated[float, Field(gt=0.5, lt=1)]
    """Overlap from which a pattern counts as shown."""


class Recall(Model):
    """C5: how recall is tried."""

    grid: PositiveInt
    """Patterns that are added between two tries."""
    cues: PositiveInt
    corrupted: Share
    """Share of a cue's active units that are moved elsewhere."""


class Agents(Model):
    """C6: Dyna-Q."""

    runs: Units
    side: Annotated[int, Field(ge=3)]
    episodes: PositiveInt
    longest: PositiveInt
    """Steps after which an episode is given up."""
    rate: Share
    discount: Share
    explore: Share
    replays: dict[Literal["none", "some", "more"], NonNegativeInt]
    """Remembered transitions learnt from again in each step. Control: 0 in all."""


class Train(Model):
    """Seen by the train step and those after it."""

    sequence: Sequence
    recall: Recall
    agents: Agents
    learns: bool
    """false: matrices and values stay zero. Null."""


class Entropy(Model):
    """Seen by the entropy step."""

    resamples: Annotated[int, Field(ge=20)]
    neighbours: NonNegativeInt
    """Messages of the k-NN estimate; 0 for none (its loops take seconds to compile)."""
    bins: Annotated[int, Field(ge=4)]
    """Of the phases."""
    synapses: PositiveInt
    """Of the ideal observer who reads a memory among later ones."""
    leaks: Annotated[list[PositiveFloat], Field(min_length=3)]
    """Of synapses with one variable, of which none may do what the chain does."""


class Forecast(Model):
    """Seen by the forecast step."""

    walk: PositiveInt
    """Steps after which a greedy walk is given up."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fit(self):
        if self.simulate.codes.most % self.train.recall.grid:
            raise ValueError("simulate.codes.most must be a multiple of train.recall.grid")
        if self.entropy.neighbours > self.simulate.channel.messages:
            raise ValueError("entropy.neighbours exceeds simulate.channel.messages")
        return self
