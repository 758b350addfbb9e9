"""Locks of a killed run go; those of a live one stay."""

import multiprocessing
import time

from malmoi import runlock


def stay(state, joined):
    file = runlock.join(state)
    joined.put(file is not None)
    time.sleep(60)


def locks(state):
    return sorted(path.name for path in (state / "locks").glob("*"))


def leave_locks(state):
    (state / "locks").mkdir(parents=True, exist_ok=True)
    for name in ("0.input.lock", "0.output.lock"):
        (state / "locks" / name).write_text("results/a\n")


def test_locks_stay_while_a_run_lives_and_go_when_it_was_killed(tmp_path):
    state = tmp_path / ".snakemake"
    spawn = multiprocessing.get_context("spawn")
    joined = spawn.Queue()
    run = spawn.Process(target=stay, args=(state, joined))
    run.start()
    assert joined.get(timeout=30)
    leave_locks(state)
    second = runlock.join(state)
    assert len(locks(state)) == 2
    run.kill()
    run.join()
    # The second saw the first alive, and may have taken other files: nothing goes while it lives.
    third = runlock.join(state)
    assert len(locks(state)) == 2
    third.close()
    second.close()
    assert runlock.join(state) is not None
    assert locks(state) == []


def test_two_that_look_at_the_same_time_never_wait(tmp_path):
    started = time.monotonic()
    first, second = runlock.join(tmp_path / "s"), runlock.join(tmp_path / "s")
    assert first is not None and second is not None
    assert time.monotonic() - started < 5
