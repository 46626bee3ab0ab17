"""Parameters of the study's four kinds of case: the Moon's recession, spins, planets in synchronous rotation, love."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from pesin.params import Model

Range = tuple[PositiveFloat, PositiveFloat]
Levels = Annotated[list[PositiveFloat], Field(min_length=1)]
Eccentricities = Annotated[list[Annotated[float, Field(ge=0, lt=0.4)]], Field(min_length=1)]


def _power_of_two(value: int) -> int:
    if value & (value - 1):
        raise ValueError("must be a power of two")
    return value


PowerOfTwo = Annotated[int, Field(ge=8), AfterValidator(_power_of_two)]


class Draws(Model):
    """Log-uniform ranges of the ensemble."""

    members: PositiveInt
    flux: Range
    """Cooling flux, W/m^2."""
    drag: Range
    """Rayleigh drag, 1/s."""
    depth: Range
    """Depth of the ocean at the start, m."""
    sobol: PowerOfTwo
    """Base size of the sensitivity design, a power of two; it costs six times as many runs."""
    solid: Range
    """Range of k2/Q of the solid in the sensitivity design."""


class MoonSimulate(Model):
    start: PositiveFloat
    """Earth radii."""
    years: Range
    """First output time after 0, and the end."""
    outputs: Annotated[int, Field(ge=10)]
    fluxes: Levels
    drags: Levels
    reference: tuple[PositiveFloat, PositiveFloat]
    """Cooling flux and drag of the reference run; both are in the lists."""
    depth: PositiveFloat
    """Depth at the start in the runs of the lists, m."""
    solid: PositiveFloat
    """k2/Q of the solid part."""
    ocean: bool
    """false: the fluid response is taken away."""
    draws: Draws


class Emulator(Model):
    """A net that learns -Im k2; auxiliary, no claim rests on it."""

    seeds: PositiveInt
    samples: PositiveInt
    width: PositiveInt
    steps: PositiveInt
    batch: PositiveInt
    lr: PositiveFloat
    sigma: Range
    """Ranges of the training inputs: tidal frequency 1/s, depth m, drag 1/s, viscosity Pa s."""
    depth: Range
    drag: Range
    viscosity: Range
    table: PositiveInt
    """Points along each of the three axes of the table it is compared with."""


class MoonForecast(Model):
    members: PositiveInt
    """Held-out runs inside the training range, and as many outside."""
    outside: Range
    """Drags below the training range, 1/s."""
    viscosity: PositiveFloat
    """Of the solid in these runs, Pa s."""


class MoonParams(Model):
    """The Moon's recession from a molten Earth."""

    kind: Literal["moon"]
    melt_temperature: PositiveFloat
    """K, at which tidal heat is released."""
    simulate: MoonSimulate
    train: Emulator
    forecast: MoonForecast


class Body(Model):
    """The close-in planet of the spin case: 1.5 Earth masses around a star like the Sun."""

    mass: PositiveFloat
    radius: PositiveFloat
    star: PositiveFloat
    rigidity: PositiveFloat


class SpinParams(Model):
    """Traps at spin-orbit resonances, and spin-down."""

    kind: Literal["spin"]
    body: Body
    ocean: bool
    """false: depth 0 everywhere, so that the planet is solid."""
    periods: Levels
    """Days, of the trap map; the first is the reference."""
    eccentricities: Eccentricities
    """Of the trap map; the first is the reference."""
    depths: Levels
    """m, of the trap map; the first is the reference."""
    drags: Levels
    """1/s, of the trap map; the first is the reference."""
    viscosity: PositiveFloat
    """Pa s, of the trap map and the integrations."""
    starts: Annotated[int, Field(ge=3)]
    """Spins drawn at random."""
    start_range: Range
    """In units of n."""
    years: Range
    outputs: Annotated[int, Field(ge=10)]
    down_viscosity: PositiveFloat
    """Pa s, for the spin-down times."""
    down_periods: Levels
    """Days, rising."""
    down_drags: Levels
    bins: PositiveInt
    """Of the histogram of final spins."""
    bootstrap: PositiveInt


class World(Model):
    """A rocky planet: days, Earth radii and masses, solar masses and luminosities."""

    period: PositiveFloat
    radius: PositiveFloat
    mass: PositiveFloat
    star: PositiveFloat
    luminosity: PositiveFloat


class PlanetsParams(Model):
    """Heat of synchronous planets against what their stars send."""

    kind: Literal["planets"]
    worlds: dict[str, World]
    ocean: bool
    eccentricities: Eccentricities
    drags: Levels
    depth: PositiveFloat
    """m."""
    rigidity: PositiveFloat
    viscosity: PositiveFloat
    albedo: Annotated[float, Field(ge=0, lt=1)]


class LoveParams(Model):
    """The closed form against the equation it solves, and the response over the melt fraction."""

    kind: Literal["love"]
    self_attraction: bool
    """false: the closed form leaves the ocean's own attraction out of the restoring force."""
    sigma: Range
    points: Annotated[int, Field(ge=5)]
    """Frequencies of the curves."""
    checks: Annotated[int, Field(ge=3)]
    """Frequencies of the comparison, between those of `sigma`."""
    depths: Levels
    drags: Levels
    viscosities: Levels
    rigidity: PositiveFloat
    andrade: PositiveFloat
    critical_melt: PositiveFloat
    solid_viscosity: PositiveFloat
    softening: PositiveFloat
    """The viscosity of the mush falls as exp(-softening Phi)."""
    blend_width: PositiveFloat
    """Of the weight of the ocean branch, in melt fraction."""
    ocean_depth: NonNegativeFloat


Params = Annotated[MoonParams | SpinParams | PlanetsParams | LoveParams, Field(discriminator="kind")]
