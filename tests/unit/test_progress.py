"""The lines that a run prints, from the events of Snakemake's logger."""

import io
import logging

from pesin.steps.progress import Progress, Task, replace_output

TASKS = {0: Task("spin", "simulate a"), 1: Task("spin", "train a"), 2: Task("orbits", "simulate b")}


def run(*events):
    stream = io.StringIO()
    logger = logging.Logger("run")
    logger.addHandler(Progress(lambda: TASKS, stream))
    for name, facts in events:
        logger.info("something", extra={"event": name, **facts})
    return stream.getvalue().splitlines()


def test_a_line_when_a_job_ends():
    lines = run(
        ("job_started", {"jobs": [0, 2]}),
        ("job_info", {"jobid": 0}),
        ("job_finished", {"job_id": 0}),
        ("job_started", {"jobs": [1]}),
        ("job_finished", {"job_id": 2}),
    )
    assert [line.split(maxsplit=1) for line in lines] == [["spin", "1 done, 1 left"], ["orbits", "1 done, 0 left"]]


def test_what_runs_is_named_and_not_left():
    lines = run(("job_started", {"jobs": [0]}), ("job_started", {"jobs": [1]}), ("job_finished", {"job_id": 0}))
    assert lines[0].split(maxsplit=1)[1] == "1 done, 1 running (train a), 0 left"


def test_a_retried_job_counts_once():
    lines = run(
        ("job_started", {"jobs": [0]}),
        ("job_error", {"jobid": 0, "log": ["logs/a.log"]}),
        ("job_started", {"jobs": [0]}),
        ("job_finished", {"job_id": 0}),
    )
    assert lines[1] == "  failed; the log: logs/a.log"
    assert lines[0].split(maxsplit=1)[1] == "0 done, 1 failed, 2 left"
    assert lines[2].split(maxsplit=1)[1] == "1 done, 1 failed, 1 left"


def test_an_event_in_another_form_is_said_and_ends_nothing(capsys):
    lines = run(
        ("job_started", {}),
        ("job_started", {"jobs": [0]}),
        ("job_finished", {"job_id": 0}),
    )
    assert lines[0].split(maxsplit=1)[1] == "1 done, 1 left"
    assert "AttributeError" in capsys.readouterr().err


def test_warnings_stay_on_the_terminal_and_the_file_keeps_all(tmp_path):
    logger, stream = logging.Logger("run"), io.StringIO()
    logger.addHandler(logging.StreamHandler(stream))
    logger.addHandler(logging.FileHandler(tmp_path / "log"))
    replace_output(logger)
    logger.info("noise")
    logger.warning("look")
    assert stream.getvalue() == "look\n" and (tmp_path / "log").read_text() == "noise\nlook\n"
