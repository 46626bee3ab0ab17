"""Seeds depend on study, case, step and stream alone; a GPU that isn't there is said."""

import numpy as np
import pytest

from pesin.steps.case import Case


def case(study="s", name="c", step="train", gpu=0, **more):
    return Case(study, name, step, "smoke", None, gpu, **more)


def test_the_same_stream_gives_the_same_numbers():
    assert case().rng("a").normal() == case().rng("a").normal()
    assert case().seed("a") == case().seed("a") and 0 <= case().seed("a") < 2**63


def test_all_streams_differ():
    others = [case(), case("t"), case(name="d"), case(step="entropy"), case("sc", ""), case("s", "ct", "rain")]
    seeds = [c.seed(stream) for c in others for stream in ("a", "b", "ab")]
    assert len(set(seeds)) == len(seeds)


def test_the_scale_does_not_change_the_stream():
    assert Case("s", "c", "train", "paper", None).seed("a") == case().seed("a")


def test_generators_are_independent_of_each_other():
    a, b = case().rng("a").normal(size=2000), case().rng("b").normal(size=2000)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.1


def test_a_gpu_that_is_not_there_is_an_error():
    torch = pytest.importorskip("torch")
    assert case().device == "cpu"
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="s/c: the train step asked for 1 GPU and none is visible"):
            _ = case(gpu=1).device


def test_a_replicate_draws_other_numbers_in_every_stream_and_the_first_today_s():
    first, other = case(replicate=0), case(replicate=1)
    assert first.seed("a") == case().seed("a")
    streams = [one.seed(stream) for one in (first, other) for stream in ("a", "b", "")]
    assert len(set(streams)) == 6


def test_a_control_draws_its_case_s_numbers():
    control, of = case(name="shuffled", streams="plain"), case(name="plain")
    assert control.seed("a") == of.seed("a")
    assert control.rng("a").random() == of.rng("a").random()
    assert case(name="shuffled").seed("a") != of.seed("a")
