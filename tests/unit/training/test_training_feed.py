"""The feed: the same steps from any number of workers and ranks, from any step on, and no silent stop."""

from __future__ import annotations

import itertools
import pickle
import signal
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
from made_instances import Maker
from malmoi.errors import InputError
from malmoi.instances.batches import IGNORED
from malmoi.training.feed import Feed, Step, Steps
from malmoi.training.plan import Phase, Plan

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Two phases of two files each: static masks, then dynamic ones of longer instances."""
    folder = tmp_path_factory.mktemp("feed")
    phases = []
    for name, when, most, steps in (("l32", "static", 30, 5), ("l64", "dynamic", 60, 6)):
        maker = Maker(folder / name, most=most)
        paths = [str(maker.write(f"{n}.arrow", 30, when, phase=name)[0]) for n in range(2)]
        phases.append(Phase(name, paths, paths[0], most + 3, 60, steps, 16, 2))
    return Plan(
        fingerprint="",
        parts={},
        seed=7,
        phases=phases,
        settings={"objective": "mlm+nsp", "runtime": {"loader_workers": 0, "compile": False}},
        vocabulary_size=1000,
        tokenizer=str(folder / "l64"),
        init=None,
        checkpoints="",
        model_output="",
        log_output="",
        message_log="",
    )


def with_workers(plan: Plan, workers: int) -> Plan:
    runtime = {**plan.settings["runtime"], "loader_workers": workers}
    return replace(plan, settings={**plan.settings, "runtime": runtime})


def steps(plan: Plan, rank: int = 0, ranks: int = 1, first: int = 0) -> list[Step]:
    feed = Feed(plan, rank, ranks, first, CPU)
    found = list(feed)
    feed.close()
    return found


def instances(step: Step) -> list[tuple]:
    """Return what is read and predicted of each instance."""
    found = []
    for batch in step.micro_batches(CPU):
        spans = itertools.pairwise(batch["cu_seqlens"].tolist())
        # What micro-batches are filled up with has no label.
        for (start, stop), label in zip(spans, batch["next_sentence_label"].tolist(), strict=False):
            if label == IGNORED:
                continue
            inside = (batch["masked_positions"] >= start) & (batch["masked_positions"] < stop)
            inside &= batch["masked_labels"] != IGNORED
            found.append(
                (
                    tuple(batch["input_ids"][start:stop].tolist()),
                    tuple(batch["token_type_ids"][start:stop].tolist()),
                    tuple((batch["masked_positions"][inside] - start).tolist()),
                    tuple(batch["masked_labels"][inside].tolist()),
                    label,
                )
            )
    return found


def test_workers_change_nothing(plan: Plan) -> None:
    expected = steps(plan)
    assert len(expected) == plan.total_steps
    found = steps(with_workers(plan, 2))
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one.values, other.values)
        assert one[1:] == other[1:]


def test_a_step_is_the_same_for_any_number_of_ranks_and_any_start(plan: Plan) -> None:
    whole = [sorted(instances(step)) for step in steps(plan)]
    for first, ranks in ((3, 2), (4, 4), (10, 1)):
        parts = [steps(plan, rank, ranks, first) for rank in range(ranks)]
        for step, shares in enumerate(zip(*parts, strict=True), start=first):
            assert len({len(share.shapes) for share in shares}) == 1
            assert sorted(one for share in shares for one in instances(share)) == whole[step]


def test_counts_are_those_of_the_micro_batches(plan: Plan) -> None:
    for number, step in enumerate(steps(plan, 1, 2)):
        most = 2 * plan.phase_at(number)[0].max_seq_length
        batches = list(step.micro_batches(CPU))
        assert max(len(batch["input_ids"]) for batch in batches) <= most
        labels = torch.cat([batch["masked_labels"] for batch in batches])
        assert step.masked == (labels != IGNORED).sum() > 0
        lengths = torch.tensor([len(one[0]) for one in instances(step)])
        assert step.tokens == lengths.sum()
        assert step.squared_lengths == lengths.square().sum()
        assert step.pairs == len(lengths) and abs(len(lengths) - 8) <= len(batches)


def test_micro_batches_have_few_shapes(plan: Plan) -> None:
    wide = replace(plan, phases=[replace(plan.phases[0], max_seq_length=320)])
    for step in steps(wide):
        for batch in step.micro_batches(CPU):
            assert len(batch["input_ids"]) % 20 == 0
            assert (len(batch["cu_seqlens"]) - 1) % 8 == len(batch["masked_labels"]) % 64 == 0


def test_what_is_left_to_right_has_no_mask(plan: Plan) -> None:
    settings = {**plan.settings, "objective": "ltr"}
    (step, *_), (masked, *_) = steps(replace(plan, settings=settings)), steps(plan)
    assert step.masked == step.tokens - 16
    for one, other in zip(instances(step), instances(masked), strict=True):
        assert one[3] == one[0][1:]
        original = list(other[0])
        for position, label in zip(*other[2:4], strict=True):
            original[position] = label
        assert one[0] == tuple(original)


def test_a_batch_smaller_than_its_ranks_leaves_some_without_instances(plan: Plan) -> None:
    small = replace(plan, phases=[replace(plan.phases[0], batch_size=3, micro_batch_size=1)])
    parts = [steps(small, rank, 4)[0] for rank in range(4)]
    assert len({len(part.shapes) for part in parts}) == 1
    assert sum(part.pairs for part in parts) == 3
    assert min(part.tokens for part in parts) == 0
    assert all(len(batch["input_ids"]) for part in parts for batch in part.micro_batches(CPU))


def test_phases_follow_each_other_and_each_goes_over_its_own_instances(plan: Plan) -> None:
    found = steps(plan)
    longest = [max(shape[-1] for shape in step.shapes) for step in found]
    assert max(longest[:5]) <= 33 < max(longest[5:])
    # Steps of 16 go round the 60 instances; static masks come back as they were, dynamic ones do not.
    static, dynamic = (
        [one for step in part for one in instances(step)] for part in (found[:5], found[5:])
    )
    assert (len(static), len(set(static))) == (80, 60)
    assert len(dynamic) == 96 and len(set(dynamic)) > 80


def test_a_worker_that_dies_is_noticed_at_once(plan: Plan) -> None:
    long = replace(plan, phases=[replace(plan.phases[0], steps=10**6)])
    others = psutil.Process().children()
    feed = Feed(with_workers(long, 1), 0, 1, 0, CPU)
    next(feed)
    (worker,) = (child for child in psutil.Process().children() if child not in others)
    started = time.monotonic()
    with pytest.raises(
        RuntimeError, match=r"DataLoader worker .*(killed by signal|exited unexpectedly)"
    ):
        worker.kill()
        for _ in range(1000):
            next(feed)
    assert time.monotonic() - started < 5
    feed.close()


def test_a_worker_outlives_a_request_to_stop_and_ends_with_the_feed(plan: Plan) -> None:
    long = replace(plan, phases=[replace(plan.phases[0], steps=10**6)])
    others = psutil.Process().children()
    feed = Feed(with_workers(long, 1), 0, 1, 0, CPU)
    next(feed)
    (worker,) = (child for child in psutil.Process().children() if child not in others)
    worker.send_signal(signal.SIGTERM)
    for _ in range(20):
        next(feed)
    feed.close()
    assert not worker.is_running()


def test_a_damaged_file_is_named_before_any_worker_starts(plan: Plan, tmp_path: Path) -> None:
    phase = replace(plan.phases[0], train=[str(tmp_path / "none.arrow")])
    with pytest.raises(InputError, match=r"none\.arrow: not a readable instance file"):
        Feed(with_workers(replace(plan, phases=[phase]), 1), 0, 1, 0, CPU)


def test_the_feed_leaves_torch_s_random_numbers_alone(plan: Plan) -> None:
    state = torch.get_rng_state()
    steps(with_workers(plan, 1), first=9)
    assert torch.equal(torch.get_rng_state(), state)


def test_steps_can_be_sent_to_another_process(plan: Plan) -> None:
    first = Steps(plan, 0, 1, 0)
    again = pickle.loads(pickle.dumps(first))
    assert torch.equal(again[8].values, first[8].values)
