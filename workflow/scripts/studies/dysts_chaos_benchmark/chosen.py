"""Which systems a case takes."""

from collections.abc import Sequence

from pesin.systems import zoo
from studies.dysts_chaos_benchmark.systems_params import Systems


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
