"""Which systems a case takes, and which way their time runs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pesin.systems import zoo
from studies.dysts_chaos_benchmark.systems_params import Direction, Systems


def chosen_systems(systems: Systems, own: Sequence[str] = ()) -> list[tuple[str, str]]:
    """(name, kind) of each system; kind is empty for a user's own file."""
    if systems == "all":
        found = [(name, kind) for kind in zoo.KINDS for name in zoo.names(kind)]
    elif systems == "flows":
        found = [(name, "flow") for name in zoo.names("flow")]
    elif isinstance(systems, list):
        found = [(name, zoo.get(name).kind) for name in systems]
    else:
        names = zoo.stratified(systems.every, tuple(systems.keep), tuple(systems.leave_out), systems.dims)
        found = [(name, "flow") for name in names]
    return found + [(path, "") for path in own]


def label(name: str, kind: str) -> str:
    """Name of a system in a table: maps that share theirs with a flow are told apart."""
    return f"{name} map" if kind == "map" else name


def turned(system: zoo.System, way: Direction) -> zoo.System:
    """The system as it is, with its sign turned (flows alone), or at rest (flows and delay systems)."""
    if way == "forward" or system.kind == "map" or (system.kind == "delay" and way == "backward"):
        return system

    def components(*state):
        found = system.components(*state)
        if system.kind == "delay":  # one component, of all starts at once
            return 0 * np.asarray(found, float)
        parts = np.atleast_1d(found)
        return [-part for part in parts] if way == "backward" else [0 * np.asarray(part, float) for part in parts]

    return replace(system, components=components)
