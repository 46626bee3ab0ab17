"""Parameters of the toy study."""

from pydantic import PositiveInt

from pesin.params import Model


class Simulate(Model):
    slope: float
    seeds: PositiveInt
    steps: PositiveInt


class Train(Model):
    ridge: float


class Entropy(Model):
    burn_in: PositiveInt


class Forecast(Model):
    horizon: PositiveInt


class Params(Model):
    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast
