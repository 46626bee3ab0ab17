"""The cost table: sums, peaks, and the mark of a study over its budget."""

import pytest

from pesin.claims.costs import gather, write_csv


@pytest.fixture
def folder(tmp_path):
    for step, name, wall, peak, cpu in (("simulate", "a", "10.0", "100.0", 9.0), ("train", "a", "NA", "-", 2.5)):
        logs = tmp_path / "s/logs" / step
        logs.mkdir(parents=True)
        (logs / f"{name}.tsv").write_text(f"s\tmax_rss\tcpu_time\n{wall}\t{peak}\t0.00\n")
        (logs / f"{name}.log").write_text(f"words\nown seconds: 2.000\ncpu seconds: {cpu}\n")
    return tmp_path


def test_totals(folder):
    *jobs, total = gather(folder, {"s": {"seconds": 90, "memory_mb": 3000}})
    assert [job["step"] for job in jobs] == ["simulate", "train"]
    assert (total["wall_s"], total["cpu_s"], total["peak_mb"], total["own_s"]) == (10.0, 11.5, 100.0, 4.0)
    assert total["over_budget"] == ""


@pytest.mark.parametrize("budget", [{"seconds": 11, "memory_mb": 3000}, {"seconds": 90, "memory_mb": 99}])
def test_a_study_over_its_budget_is_marked(folder, budget, tmp_path):
    rows = gather(folder, {"s": budget})
    assert rows[-1]["over_budget"] == "yes"
    write_csv(rows, tmp_path / "costs.csv")
    assert (tmp_path / "costs.csv").read_text().splitlines()[-1] == "s,total,,10.00,11.50,100.00,4.00,yes"
