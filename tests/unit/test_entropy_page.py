"""The page of entropies is that of the registry, and has a picture of every measure that has standard data."""

import numpy as np
import pytest
from PIL import Image

import entropy_page
from pesin.entropy.registry import MEASURES


def test_the_page_is_that_of_the_registry():
    assert entropy_page.PAGE.read_text(encoding="utf-8") == entropy_page.text(), "type: make docs"


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_with_standard_data_has_its_picture(name):
    path = entropy_page.PICTURES / f"{name}.png"
    assert path.is_file() == bool(entropy_page.standard_data(MEASURES[name]))
    if path.is_file():
        with Image.open(path) as image:
            assert np.ptp(np.asarray(image.convert("L"))) > 100


@pytest.mark.parametrize("name", [n for n, m in MEASURES.items() if entropy_page.standard_data(m)])
def test_the_standard_data_fit_the_measure(name):
    measure = MEASURES[name]
    for kind, maker in entropy_page.standard_data(measure).items():
        rng = np.random.default_rng(0)
        assert np.isfinite(np.mean(measure(*maker(rng, max(600, measure.needs), 0.1)).value)), kind
