"""``csirtlab grade``: a lab's submissions in a pool of boxes, on a real scenario, as an instructor runs it."""

import json
import os
import shutil
import signal
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import nbformat
import pytest
from tests.grading.workshops import LAB, Workshop, make_workshop
from tests.processes import living, until

from csirtlab.grading.pool import BoxPool

pytestmark = pytest.mark.slow
NAMES = ("ana", "ben", "cid", "dia", "eva")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A cohort of five who all answered right, made once and copied for each test."""
    workshop = make_workshop(tmp_path_factory.mktemp("template"), NAMES)
    for trainee in NAMES:
        workshop.hand_in(trainee, workshop.right(trainee))
    return workshop


@pytest.fixture
def workshop(tmp_path: Path, template: Workshop) -> Workshop:
    """A copy of it."""
    shutil.copytree(template.root, tmp_path / "workshop")
    return template.at(tmp_path / "workshop")


def test_all_that_is_new_is_graded_and_a_second_run_finds_nothing_to_do(workshop: Workshop) -> None:
    first = workshop.grade()
    second = workshop.grade()

    assert sorted(first["graded"]) == list(NAMES)
    assert first["graded"]["ana"] == {"verdict-infected_host": 10.0, "verdict-first_beacon": 5.0, "note": None}
    assert second["graded"] == {}
    assert workshop.scores() == dict.fromkeys(NAMES, (10.0, 5.0, None))


def test_a_newer_submission_is_graded_and_the_others_are_not(workshop: Workshop) -> None:
    workshop.hand_in("ben", workshop.right("ben"), "2026-03-02 10:00:00 UTC")
    workshop.grade()
    workshop.hand_in("ben", workshop.wrong(), "2026-03-02 11:00:00 UTC")

    found = workshop.grade()

    assert list(found["graded"]) == ["ben"]
    assert workshop.scores()["ben"] == (0.0, 0.0, None)


def test_a_refused_one_is_told_with_its_reason_and_the_rest_is_graded(workshop: Workshop) -> None:
    workshop.hand_in("cid", nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))
    (workshop.cohort / "submitted" / "dia" / LAB / f"{LAB}.ipynb").write_text('{"cells": [')

    done = workshop.run("--json")

    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert sorted(found["graded"]) == ["ana", "ben", "eva"]
    assert "Was another notebook handed in?" in found["refused"]["cid"]
    assert "cannot be" in found["refused"]["dia"]
    assert (workshop.cohort / "refused" / LAB / "dia.txt").is_file()


def test_one_that_never_ends_costs_its_own_time_and_no_one_elses_points(workshop: Workshop) -> None:
    workshop.keep_only("ana", "ben")
    with (workshop.cohort / "nbgrader_config.py").open("a") as file:
        file.write('\nc.RunInBox.limits = {"cell_s": 3}\n')
    sleeping = workshop.right("ana") | {"infected_host": "import time\ntime.sleep(1000)"}
    workshop.hand_in("ana", sleeping)

    found = workshop.grade()

    assert found["graded"]["ana"]["verdict-infected_host"] == 0
    assert found["graded"]["ben"]["verdict-infected_host"] == 10


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_a_run_that_is_stopped_is_resumed_by_the_next(workshop: Workshop, blow: signal.Signals) -> None:
    going = workshop.start("--workers", "1", "--json")
    graded = workshop.cohort / "autograded"
    until(lambda: len(list(graded.glob(f"*/{LAB}/*.ipynb"))) >= 2 or going.poll() is not None)

    going.send_signal(blow)
    going.communicate()
    kept = {trainee for trainee, scores in workshop.scores().items() if None not in scores[:2]}
    rest = workshop.grade()

    assert going.returncode == (130 if blow is signal.SIGINT else -9)
    assert {path.parent.parent.name for path in graded.glob(f"*/{LAB}/*.ipynb")} == set(NAMES)
    assert 2 <= len(kept) < len(NAMES)
    # At most the one that was being written is graded once more.
    assert set(NAMES) - kept <= set(rest["graded"]) and len(set(rest["graded"]) & kept) <= 1
    assert workshop.scores() == dict.fromkeys(NAMES, (10.0, 5.0, None))
    assert not (workshop.cohort / ".grading").exists()


def test_nothing_lives_on_after_ctrl_c(workshop: Workshop) -> None:
    going = workshop.start("--workers", "2", start_new_session=True)
    until(lambda: living(going.pid) >= 3)

    going.send_signal(signal.SIGINT)
    going.communicate()

    until(lambda: living(going.pid) == 0)


def test_two_runs_at_once_are_not_possible(workshop: Workshop) -> None:
    workshop.hand_in("ana", workshop.right("ana") | {"infected_host": "import time\ntime.sleep(10)"})
    going = workshop.start()
    until(lambda: (workshop.cohort / ".grading.lock").exists() and living(going.pid) > 1)

    second = workshop.run()
    going.communicate()

    assert second.returncode == 2
    assert "Wait for its end" in second.stderr


def test_grading_twice_changes_neither_scores_nor_bytes(workshop: Workshop) -> None:
    workshop.keep_only("ana", "ben")
    workshop.grade()
    scores, before = workshop.dump(), workshop.autograded()

    again = workshop.grade("--regrade", "--yes")

    assert sorted(again["graded"]) == ["ana", "ben"] and again["changed"] == []
    assert workshop.autograded() == before
    assert workshop.dump() == scores


def test_regrading_tells_who_gains_and_loses_before_anything_is_written(workshop: Workshop) -> None:
    workshop.keep_only("ana", "ben")
    late = workshop.right("ben") | {"first_beacon": workshop.answer_time("ben", off_s=30)}
    workshop.hand_in("ben", late)
    workshop.grade()
    before, bytes_before = workshop.dump(), workshop.autograded()
    workshop.change("absolute = 2 }", "absolute = 60 }")

    told = workshop.run("--regrade", "--dry-run")
    refused = workshop.run("--regrade", stdin="n\n")

    assert told.stdout.splitlines()[0] == "ben\tverdict-first_beacon\t0 -> 5\t+5"
    assert "1 gain, 0 lose." in told.stdout
    assert refused.returncode == 1 and "Write this for 1 trainees?" in refused.stderr
    assert workshop.dump() == before and workshop.autograded() == bytes_before
    workshop.run("--regrade", stdin="y\n")
    assert workshop.scores()["ben"] == (10.0, 5.0, None)


def test_an_unknown_cohort_and_a_lab_nobody_handed_in_name_the_way_out(workshop: Workshop, tmp_path: Path) -> None:
    nobody = workshop.run(cohort="nowhere")
    nothing = workshop.run(lab="c2-beacon")

    assert nobody.returncode == 2 and "csirtlab cohort list" in nobody.stderr
    assert nothing.returncode == 2 and "nbgrader collect c2-beacon" in nothing.stderr


def test_only_the_task_of_a_killed_worker_is_lost() -> None:
    with BoxPool(1) as pool:
        pid = pool.submit(os.getpid).result()
        lost = pool.submit(time.sleep, 60)
        until(lost.running)
        time.sleep(0.2)  # for the task to reach the worker; it would only be tried there otherwise
        os.kill(pid, signal.SIGKILL)

        with pytest.raises(BrokenProcessPool):
            lost.result()
        assert pool.submit(os.getpid).result() != pid
