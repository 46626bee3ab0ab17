"""Stops a training in the middle and starts it again."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.files import same


def assert_goes_on(
    train: Callable[[Case], xr.DataTree], case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    """Stopped after so many turns of its loops and started again, it ends as one that wasn't, in fewer turns."""
    counted, left = [], [turns]

    def count(_, items, **__):
        counted.append(len(items))
        return items

    def broken(_, items, **__):
        for item in items:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            yield item

    monkeypatch.setattr(Case, "progress", count)
    whole, all_turns = train(case), sum(counted)
    kept = replace(case, output=folder / "train.nc", key="key")
    with monkeypatch.context() as patch:
        patch.setattr("pesin.steps.checkpoint.EVERY", 0.0)
        patch.setattr(Case, "progress", broken)
        with pytest.raises(KeyboardInterrupt):
            train(kept)
    assert list(folder.glob(".train.*.checkpoint"))
    counted.clear()
    assert same(train(kept), whole) and sum(counted) < all_turns
