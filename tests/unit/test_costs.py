"""The cost table: sums, peaks, and the mark of a study over its budget."""

import pytest

from pesin.claims.costs import gather, write_csv
from project import plan


@pytest.fixture
def folder(tmp_path):
    for step, name, wall, peak, cpu in (("simulate", "a", "10.0", "100.0", 9.0), ("train", "a", "NA", "-", 2.5)):
        logs = tmp_path / "s/logs" / step
        logs.mkdir(parents=True)
        (logs / f"{name}.tsv").write_text(f"s\tmax_rss\tcpu_time\n{wall}\t{peak}\t0.00\n")
        (logs / f"{name}.log").write_text(f"words\nown seconds: 2.000\ncpu seconds: {cpu}\n")
    return tmp_path


def test_totals(folder):
    *jobs, total = gather(folder, {"s": {"cpu_s": 90, "peak_mb": 3000, "own_s": 4.0}})
    assert [job["step"] for job in jobs] == ["simulate", "train"]
    assert (total["wall_s"], total["cpu_s"], total["peak_mb"], total["own_s"]) == (10.0, 11.5, 100.0, 4.0)
    assert total["over_budget"] == ""


@pytest.mark.parametrize("budget", [{"cpu_s": 11, "peak_mb": 3000}, {"peak_mb": 99}, {"own_s": 3.9}])
def test_a_study_over_its_budget_is_marked(folder, budget, tmp_path):
    rows = gather(folder, {"s": budget})
    assert rows[-1]["over_budget"] == "yes"
    write_csv(rows, tmp_path / "costs.csv")
    assert (tmp_path / "costs.csv").read_text().splitlines()[-1] == "s,total,,10.00,11.50,100.00,4.00,yes"


def test_each_scale_has_its_own_budget():
    """Of the laptop the yaml's, of the smoke scale the same for all, of the paper's sizes none."""
    budgets = {scale: plan(scale).budgets() for scale in ("smoke", "laptop", "paper")}
    for name in plan("laptop").known:
        declared = plan("laptop").declared(name).budget
        assert budgets["laptop"][name] == {"cpu_s": declared.seconds, "peak_mb": declared.memory_mb}
        assert budgets["smoke"][name] == {"own_s": 8.0} and budgets["paper"][name] == {}
