"""The learning rate by step, and what makes two runs the same run."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from malmoi.errors import InputError
from malmoi.fingerprint import of_file
from malmoi.training.plan import Plan, make_plan
from malmoi.training.schedule import learning_rate


def rates(total: int, **settings: float | str) -> list[float]:
    """Return the rates of all steps and of the one after the last."""
    given = {
        **{"learning_rate": 2.0, "schedule": "linear", "warmup_share": 0.1},
        **{"decay_share": 0.1, "final_share": 0.0},
    }
    return [learning_rate(step, total, given | settings) for step in range(total + 1)]


def test_the_rate_rises_to_its_peak_and_falls_to_zero() -> None:
    linear = rates(100)
    assert linear[0] == pytest.approx(0.2)
    assert linear[9] == linear[10] == 2.0
    assert linear[55] == pytest.approx(1.0)
    assert linear[99] == pytest.approx(2 / 90)
    assert linear[100] == 0.0


def test_a_cosine_is_flat_at_both_ends_and_half_way_down_in_the_middle() -> None:
    cosine, linear = rates(100, schedule="cosine"), rates(100)
    assert cosine[:11] == linear[:11]
    assert cosine[55] == pytest.approx(1.0)
    assert cosine[25] > linear[25] and cosine[85] < linear[85]
    # As PyTorch's own, which counts from the end of the warm-up.
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=2.0)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
    for rate in cosine[10:]:
        assert rate == pytest.approx(reference.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        reference.step()


def test_a_stable_rate_falls_at_the_end_alone() -> None:
    stable = rates(100, schedule="wsd", decay_share=0.2)
    assert stable[9:81] == [2.0] * 72
    assert stable[90] == pytest.approx(1.0)
    assert stable[100] == 0.0
    assert rates(100, schedule="wsd", decay_share=0.0)[9:100] == [2.0] * 91
    # A decay that would begin within the warm-up begins after it.
    assert rates(100, schedule="wsd", warmup_share=0.5, decay_share=0.9) == rates(
        100, warmup_share=0.5
    )


@pytest.mark.parametrize("schedule", ["linear", "cosine", "wsd"])
def test_the_rate_falls_to_the_final_share(schedule: str) -> None:
    fallen = rates(100, schedule=schedule, final_share=0.25)
    assert fallen[100] == 0.5
    assert 0.5 < fallen[99] < 0.7
    assert max(fallen) == fallen[10] == 2.0


@given(
    st.sampled_from(["linear", "cosine", "wsd"]),
    st.integers(1, 300),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_the_rate_is_positive_with_one_peak(
    schedule: str, total: int, warmup: float, decay: float
) -> None:
    found = rates(total, schedule=schedule, warmup_share=warmup, decay_share=decay)[:-1]
    assert all(0 < rate <= 2.0 for rate in found)
    top = found.index(max(found))
    assert max(found) == 2.0
    assert found[: top + 1] == sorted(found[: top + 1])
    assert found[top:] == sorted(found[top:], reverse=True)


TOKENS_OF_AN_INSTANCE = 57


def manifest(
    folder: Path, name: str, length: int, content: str = "0", pieces: str = "[PAD]\n가\n"
) -> str:
    def shard(path: str, instances: int) -> dict:
        file = folder / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return {"path": path, "instances": instances, "sha256": of_file(file)}

    train = {
        "instances": 100,
        "positions": 100 * TOKENS_OF_AN_INSTANCE,
        "shards": [shard("train/0000.arrow", 100), shard("train/1.arrow", 0)],
    }
    value = {
        "phase": name,
        "max_seq_length": length,
        "vocabulary_size": 2,
        "vocabulary_sha256": hashlib.sha256(pieces.encode()).hexdigest(),
        "splits": {"train": train, "validation": {"shards": [shard("validation/all.arrow", 9)]}},
    }
    path = folder / name / "manifest.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value))
    return str(path)


def settings() -> dict:
    return {
        "model": "tiny",
        "learning_rate": 1e-3,
        "max_position_embeddings": 128,
        "phases": [
            {"name": "l64", "steps": 10, "batch_size": 32, "micro_batch_size": 8},
            {"name": "l128", "epochs": 2.5, "batch_size": 16, "micro_batch_size": 4},
        ],
        "runtime": {"ranks": 2, "zero_stage": 1, "checkpoint_every": 5},
    }


@pytest.fixture
def arguments(tmp_path: Path) -> dict:
    tokenizer = tmp_path / "tokenizer"
    tokenizer.mkdir()
    (tokenizer / "vocab.txt").write_text("[PAD]\n가\n", encoding="utf-8")
    return {
        "settings": settings(),
        "seed": 1,
        "manifests": [manifest(tmp_path, "l128", 128), manifest(tmp_path, "l64", 64)],
        "tokenizer": str(tokenizer),
        "code": "abc",
        "checkpoints": str(tmp_path / "checkpoints"),
        "model_output": str(tmp_path / "model"),
        "log_output": str(tmp_path / "log"),
        "message_log": str(tmp_path / "messages.log"),
    }


def test_phases_come_in_the_order_of_the_settings(arguments: dict, tmp_path: Path) -> None:
    plan = make_plan(**arguments)
    first, second = plan.phases
    assert (first.name, first.max_seq_length, first.steps) == ("l64", 64, 10)
    # 2.5 epochs of 100 instances in batches of 16: the last batch is begun, not left out.
    assert (second.name, second.instances, second.steps) == ("l128", 100, 16)
    assert first.train == [str(tmp_path / "l64" / "train/0000.arrow")]
    assert first.held_out == str(tmp_path / "l64" / "validation/all.arrow")
    assert plan.vocabulary_size == 2
    assert plan.total_steps == 26


def test_a_step_belongs_to_one_phase(arguments: dict) -> None:
    plan = make_plan(**arguments)
    places = [(phase.name, step) for phase, step in map(plan.phase_at, (0, 9, 10, 25))]
    assert places == [("l64", 0), ("l64", 9), ("l128", 0), ("l128", 15)]
    with pytest.raises(IndexError, match="26"):
        plan.phase_at(26)


def test_how_a_run_is_carried_out_leaves_its_fingerprint(arguments: dict) -> None:
    plan = make_plan(**arguments)
    assert Path(plan.checkpoints).name == plan.fingerprint[:16]
    arguments["settings"]["runtime"] |= {"ranks": 1, "zero_stage": 3, "checkpoint_every": 1}
    moved = dict.fromkeys(("model_output", "log_output", "message_log"), "elsewhere")
    other = make_plan(**{**arguments, **moved, "manifests": arguments["manifests"][::-1]})
    assert other.fingerprint == plan.fingerprint
    assert other.checkpoints == plan.checkpoints


@pytest.mark.parametrize("change", ["setting", "order", "seed", "data", "vocabulary", "code"])
def test_what_a_run_computes_changes_its_fingerprint(
    change: str, arguments: dict, tmp_path: Path
) -> None:
    before = make_plan(**arguments)
    if change == "setting":
        arguments["settings"]["learning_rate"] = 2e-3
    elif change == "order":
        arguments["settings"]["phases"].reverse()
    elif change == "seed":
        arguments["seed"] = 2
    elif change == "data":
        manifest(tmp_path, "l64", 64, content="1")
    elif change == "vocabulary":
        (tmp_path / "tokenizer" / "vocab.txt").write_text("[PAD]\n나\n", encoding="utf-8")
        for name, length in (("l64", 64), ("l128", 128)):
            manifest(tmp_path, name, length, pieces="[PAD]\n나\n")
    else:
        arguments["code"] = "abd"
    after = make_plan(**arguments)
    assert after.fingerprint != before.fingerprint
    assert after.checkpoints != before.checkpoints


def test_an_encoder_to_begin_with_counts_by_its_content(arguments: dict, tmp_path: Path) -> None:
    plans = [make_plan(**arguments)]
    for name, weights in (("one", b"w"), ("moved", b"w"), ("other", b"v")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(weights)
        plans.append(make_plan(**arguments, init=str(folder)))
    scratch, one, moved, other = (plan.fingerprint for plan in plans)
    assert one == moved
    assert len({scratch, one, other}) == 3


def test_a_plan_survives_its_file(arguments: dict, tmp_path: Path) -> None:
    plan = make_plan(**arguments)
    plan.save(tmp_path / "new" / "plan.json")
    assert Plan.load(tmp_path / "new" / "plan.json") == plan


def test_a_phase_without_instances_is_named(arguments: dict) -> None:
    arguments["settings"]["phases"][1]["name"] = "l512"
    with pytest.raises(InputError, match=r"'l512' is not among instances\.phases \(l128, l64\)"):
        make_plan(**arguments)


def test_a_batch_given_in_tokens_has_as_many_sequences_as_hold_them(arguments: dict) -> None:
    phase = arguments["settings"]["phases"][0]
    del phase["batch_size"]
    phase["batch_tokens"] = 10 * TOKENS_OF_AN_INSTANCE
    assert make_plan(**arguments).phases[0].batch_size == 10


def test_a_phase_longer_than_the_model_reads_is_refused(arguments: dict) -> None:
    arguments["settings"]["max_position_embeddings"] = 64
    message = r"max_seq_length 128 of 'l128' exceeds pretrain\.max_position_embeddings 64"
    with pytest.raises(InputError, match=message):
        make_plan(**arguments)


def test_a_shard_that_is_not_what_its_manifest_names_is_refused(
    arguments: dict, tmp_path: Path
) -> None:
    (tmp_path / "l64" / "train" / "0000.arrow").write_text("damaged")
    with pytest.raises(InputError, match=r"0000\.arrow is not the file its manifest names"):
        make_plan(**arguments)


def test_a_missing_shard_is_named(arguments: dict, tmp_path: Path) -> None:
    (tmp_path / "l128" / "validation" / "all.arrow").unlink()
    with pytest.raises(InputError, match=r"validation/all\.arrow is missing.*run again"):
        make_plan(**arguments)


def test_instances_of_another_tokenizer_are_refused(arguments: dict, tmp_path: Path) -> None:
    manifest(tmp_path, "l128", 128, pieces="[PAD]\n나\n")
    message = (
        r"l128/manifest\.json: its instances were made with another tokenizer than .*vocab\.txt"
    )
    with pytest.raises(InputError, match=message):
        make_plan(**arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vocabulary_sha256": None}, r"does not say which vocabulary .* run again"),
        ({"vocabulary_size": 3}, r"are of 3 pieces, but the model, like .*vocab\.txt, has 2"),
    ],
)
def test_a_manifest_that_does_not_fit_the_vocabulary_is_refused(
    change: dict, message: str, arguments: dict, tmp_path: Path
) -> None:
    path = tmp_path / "l64" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=rf"l64/manifest\.json.*{message}"):
        make_plan(**arguments)
