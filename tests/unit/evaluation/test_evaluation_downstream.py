"""Fine-tuning learns what can be learned of every kind, chooses nothing by test, and repeats itself."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from malmoi.errors import InputError
from malmoi.evaluation.answers import Answers
from malmoi.evaluation.downstream import evaluate_task
from malmoi.evaluation.entities import Tokens, alignment_ceiling
from malmoi.evaluation.finetuning import PLACES, network, tokenizer_of, training_order
from malmoi.evaluation.tasks import Part, Task
from malmoi.evaluation.texts import Classification
from tools.tiny_bert import make_tiny_bert
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertLMHeadModel,
    ModernBertConfig,
    ModernBertModel,
)

TASK = {
    "name": "case_type",
    "label": "type",
    "max_seq_length": 16,
    "epochs": 6,
    "batch_size": 8,
    "learning_rates": [3e-3],
    "seeds": [1, 2],
}
TEXTS = {"civil": "가나다 법원 라마", "medical": "병약 의사 차카타"}


def separable(train: int = 48, held_out: int = 16) -> list[dict]:
    """Documents whose first word tells the class; two thirds are civil."""
    rows = []
    for split, size in (("train", train), ("validation", held_out), ("test", held_out)):
        for number in range(size):
            label = "medical" if number % 3 == 0 else "civil"
            text = TEXTS[label] + " " + "사아자"[number % 3] * (1 + number % 4)
            rows.append({"split": split, "text": text, "meta": {"type": label}})
    return rows


@pytest.fixture
def run(model_dir, write_documents, tmp_path):
    def evaluate(rows, name="scores", encoders=(), **changes):
        output = tmp_path / f"{name}.json"
        predictions = tmp_path / f"{name}.csv"
        shard = write_documents(rows) if rows else []
        settings = {**(TASK if rows else {**TASK, "label": None}), **changes}
        evaluate_task(
            model_dir, [shard] if rows else [], settings, output, predictions, encoders, threads=1
        )
        return output, predictions

    return evaluate


@pytest.fixture
def files(tmp_path):
    """Return a function that writes the items of each split and gives the files' names."""

    def write(items: dict[str, list[dict]]) -> dict[str, str]:
        paths = {}
        for split, rows in items.items():
            paths[split] = str(tmp_path / f"{split}.jsonl")
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            Path(paths[split]).write_text(text, encoding="utf-8")
        return paths

    return write


def test_a_separable_task_is_learned_and_beats_the_majority(run):
    output, predictions = run(separable())
    report = json.loads(output.read_text())
    models = report["models"]
    assert report["labels"] == ["civil", "medical"]
    assert report["items"] == {"train": 48, "validation": 16, "test": 16}
    assert models["majority"]["accuracy"]["mean"] == pytest.approx(10 / 16)
    assert models["trained"]["accuracy"]["mean"] > 0.9
    assert models["tfidf_svm"]["macro_f1"]["mean"] == 1.0
    assert report["differences"]["majority"]["accuracy"]["low"] > 0
    assert report["differences"]["majority"]["accuracy"]["p_holm"] < 0.05
    assert [row["seed"] for row in models["trained"]["runs"]] == [1, 2]
    assert models["trained"]["failed_runs"] == 0

    rows = list(csv.DictReader(predictions.open(encoding="utf-8")))
    assert len(rows) == 16 * (2 + 2 + 1 + 1)
    trained = [row for row in rows if row["model"] == "trained" and row["seed"] == "1"]
    right = np.mean([row["label"] == row["prediction"] for row in trained])
    assert right == pytest.approx(models["trained"]["runs"][0]["accuracy"])


def test_the_same_inputs_give_the_same_files(run):
    first = [path.read_bytes() for path in run(separable(24, 8), "first", epochs=2, seeds=[5])]
    again = [path.read_bytes() for path in run(separable(24, 8), "again", epochs=2, seeds=[5])]
    assert first == again


def test_the_test_split_does_not_choose_anything(run):
    """Changing the test documents leaves everything that validation chose untouched."""
    rows = separable(24, 8)
    options = {"epochs": 3, "seeds": [1], "learning_rates": [1e-3, 3e-3]}
    first = json.loads(run(rows, "first", **options)[0].read_text())
    for row in rows:
        if row["split"] == "test":
            row["text"] = TEXTS["civil"]
    second = json.loads(run(rows, "second", **options)[0].read_text())
    chosen = ("epoch", "validation_loss", "validation_accuracy", "validation_macro_f1")
    for arm in ("trained", "untrained"):
        one, two = first["models"][arm], second["models"][arm]
        assert one["learning_rate"] == two["learning_rate"]
        assert len(one["learning_rates"]) == 2
        for name in chosen:
            assert one["runs"][0][name] == two["runs"][0][name]


def test_failed_runs_are_counted_and_unreachable_encoders_named(run, model_dir, monkeypatch):
    """A rate at which nothing is learned leaves a failed run, which stays in the mean."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    encoders = [
        {"name": "another", "model": str(model_dir)},
        {"name": "far", "model": "nobody/nothing-of-malmoi", "revision": "0" * 40},
    ]
    options = {"epochs": 1, "seeds": [1], "learning_rates": [1e-12]}
    rows = separable(24, 8)
    for row in rows:
        row["text"] = TEXTS["civil"]
    report = json.loads(run(rows, encoders=encoders, **options)[0].read_text())
    assert report["models"]["trained"]["failed_runs"] == 1
    assert report["models"]["trained"]["accuracy"]["mean"] < 1
    assert report["models"]["another"]["macro_f1"] == report["models"]["trained"]["macro_f1"]
    assert list(report["skipped"]) == ["far"]
    assert "far" not in report["models"]


def test_long_texts_are_cut_and_counted(run):
    rows = separable(24, 8)
    rows[0]["text"] += " 가" * 100
    report = json.loads(run(rows, epochs=1, seeds=[1])[0].read_text())
    assert report["models"]["trained"]["truncated"] == {"train": 1, "validation": 0, "test": 0}


def test_a_length_the_model_lacks_is_refused(run):
    with pytest.raises(InputError, match="64 positions"):
        run(separable(), max_seq_length=65)


@pytest.mark.parametrize(("size", "batch_size"), [(1, 4), (8, 4), (103, 4), (5, 32)])
def test_each_epoch_is_another_order_of_all_texts_with_little_padding(size, batch_size):
    lengths = [3 + 7 * number % 60 for number in range(size)]
    one, two = (training_order(lengths, batch_size, 1, epoch) for epoch in (1, 2))
    assert sorted(one.tolist()) == sorted(two.tolist()) == list(range(size))
    if size > 100:
        assert one.tolist() != two.tolist()
        padded = sum(
            max(lengths[row] for row in one[at : at + 4]) * len(one[at : at + 4])
            for at in range(0, size, 4)
        )
        assert padded < 1.2 * sum(lengths)


def pairs(count: int, seed: int) -> list[dict]:
    """Pairs whose number is how often the second text says what the first does."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        shared = int(rng.integers(0, 5))
        second = " ".join(["법원"] * shared + ["병약"] * (4 - shared))
        rows.append({"one": "법원 판결", "two": second, "score": shared})
    return rows


def test_numbers_of_pairs_are_learned(run, files):
    paths = files({"train": pairs(64, 1), "validation": pairs(16, 2), "test": pairs(24, 3)})
    columns = {"text": "one", "second": "two", "label": "score"}
    report = json.loads(
        run(None, kind="regression", columns=columns, epochs=12, seeds=[1], **paths)[0].read_text()
    )
    assert report["models"]["trained"]["pearson"]["mean"] > 0.8
    assert report["models"]["tfidf_ridge"]["pearson"]["mean"] > 0.8
    assert report["models"]["majority"]["pearson"]["mean"] == 0.0


def named(count: int, seed: int) -> list[dict]:
    """Sentences with an entity onto which a particle is written, in one wordpiece with its end."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        name, kind = [("가나다", "LC"), ("법원판결", "OG")][rng.integers(0, 2)]
        before = " ".join("사아자차"[at] * 2 for at in rng.integers(0, 4, rng.integers(0, 9)))
        text = f"{before} {name}라 병약".strip()
        start = text.index(name)
        rows.append({"text": text, "label": [[start, start + len(name), kind]]})
    return rows


@pytest.fixture(scope="module")
def coarse_dir(model_dir, tmp_path_factory):
    """The tiny encoder with a vocabulary in which an entity's end and its particle are one wordpiece."""
    folder = tmp_path_factory.mktemp("coarse")
    vocabulary = [line for line in (model_dir / "vocab.txt").read_text().split("\n") if line]
    vocabulary += ["가나", "##다라", "법원판", "##결라"]
    make_tiny_bert(folder, vocabulary, layers=2)
    return folder


def small(**changes) -> BertConfig:
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    return BertConfig(**sizes, intermediate_size=64, max_position_embeddings=64, **changes)


def test_the_head_over_characters_passes_the_ceiling_of_wordpieces(coarse_dir, files, tmp_path):
    paths = files({"train": named(64, 1), "validation": named(12, 2), "test": named(24, 3)})
    settings = {
        **TASK,
        **paths,
        "label": None,
        "kind": "tokens",
        "epochs": 6,
        "learning_rates": [1e-2],
        "seeds": [1],
    }
    report = evaluate_task(
        coarse_dir, [], settings, tmp_path / "s.json", tmp_path / "s.csv", threads=1
    )
    trained = report["models"]["trained"]
    # The right label of every wordpiece takes the particle into the entity.
    assert trained["wordpiece_ceiling"]["entity_f1"] == 0.0
    assert trained["entity_f1"]["mean"] > 0.9
    assert report["models"]["gazetteer"]["entity_f1"]["mean"] == 1.0
    assert report["models"]["majority"]["klue_character_f1"]["mean"] > 0.1
    with (tmp_path / "s.csv").open(encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    assert json.loads(row["label"]) == named(24, 3)[0]["label"]


def test_every_character_is_one_windows_and_none_is_lost(coarse_dir):
    tokenizer = tokenizer_of(coarse_dir)
    text = " ".join(f"가나다라 {'사' * (at % 5)} 병원ㅋ" for at in range(250))
    size = len("".join(text.split()))
    part = Part(["a"], ["a"], [(text,)], [[0, *[1, 2] * (size // 2)][:size]])
    kind = Tokens(Task("made", "tokens", ["O", "B-X", "I-X"], {}, {}, 0, 0))
    rows = [unit[0] for unit in kind.encode(tokenizer, part, 32).units]
    assert len(text) > 2000
    assert len(rows) > 20
    places = np.concatenate([row.characters for row in rows])
    assert places.tolist() == [at for at, character in enumerate(text) if not character.isspace()]
    assert np.concatenate([row.target for row in rows]).tolist() == part.targets[0]
    for row in rows:
        assert len(row.ids) <= 32
        assert row.points[:, 0].min() >= 1
        assert row.points[:, 0].max() < len(row.ids) - 1
        assert 0 <= row.points[:, 1].min() <= row.points[:, 1].max() < PLACES
    outputs = [np.eye(3, dtype=np.float32)[row.target] * 20 for row in rows]
    assert kind.predictions(part, rows, outputs) == [part.targets[0]]
    assert alignment_ceiling(kind, tokenizer, part)[0] < 1


def test_answers_are_found_in_windows(coarse_dir):
    tokenizer = tokenizer_of(coarse_dir)
    context = "사아 " * 40 + "법원판결라 " + "자차 " * 40
    answer = (context.index("법원"), "법원판결")
    part = Part(["a", "b"], ["a", "b"], [("병약", context)] * 2, [[answer], []])
    kind = Answers(Task("made", "qa", [], {"train": part}, {}, 0, 0))
    rows = [unit[0] for unit in kind.encode(tokenizer, part, 32).units]
    outputs = []
    for row in rows:
        output = np.zeros((len(row.points), 2), dtype=np.float32)
        output[row.target[0], 0] = output[row.target[1], 1] = 5
        outputs.append(output)
        assert len(row.ids) <= 32
    with_answer = [row for row in rows if row.target != (0, 0)]
    assert 1 <= len(with_answer) < len(rows) / 2
    # The end of the answer is inside a wordpiece, and a question may have no answer.
    assert kind.predictions(part, rows, outputs) == ["법원판결", ""]
    long = Part(["a"], ["a"], [("병약 " * 90, context)], [[answer]])
    encoded = kind.encode(tokenizer, long, 32)
    assert encoded.truncated == 1
    assert any(unit[0].target != (0, 0) for unit in encoded.units)


def test_questions_and_choices_are_learned(run, files, tmp_path):
    rng = np.random.default_rng(4)
    rows = {
        split: [
            {
                "text": ["가나", "병약"][right],
                "choices": ["가나 다라", "병약 의사"],
                "label": int(right),
            }
            for right in rng.integers(0, 2, size)
        ]
        for split, size in (("train", 64), ("validation", 16), ("test", 16))
    }
    report = json.loads(run(None, kind="choice", epochs=6, seeds=[1], **files(rows))[0].read_text())
    assert (
        report["models"]["trained"]["accuracy"]["mean"]
        > report["models"]["majority"]["accuracy"]["mean"]
    )
    paths = {}
    for split, size in (("train", 40), ("validation", 8), ("test", 12)):
        articles = []
        for at in range(size):
            context = f"{'사아 ' * (at % 4)}법원라 병약 {'자차 ' * (at % 3)}"
            item = {"id": f"{split}{at}", "question": "나", "answers": []}
            item["answers"] = [{"text": "법원", "answer_start": context.index("법원")}]
            articles.append({"paragraphs": [{"context": context, "qas": [item]}]})
        paths[split] = str(tmp_path / f"{split}.json")
        Path(paths[split]).write_text(
            json.dumps({"data": articles}, ensure_ascii=False), encoding="utf-8"
        )
    report = json.loads(
        run(
            None,
            "qa",
            kind="qa",
            max_seq_length=24,
            epochs=6,
            learning_rates=[1e-2],
            seeds=[1],
            **paths,
        )[0].read_text()
    )
    assert report["models"]["trained"]["exact"]["mean"] > 0.9
    assert report["models"]["majority"]["f1"]["mean"] == 0.0


def kind_of_two() -> Classification:
    return Classification(Task("made", "classification", ["가", "나"], {}, {}, 0, 0))


def inputs() -> dict[str, torch.Tensor]:
    ids = torch.tensor([[2, 6, 7, 8, 3], [2, 9, 3, 0, 0]])
    return {"input_ids": ids, "attention_mask": (ids > 0).long()}


def test_each_encoder_is_read_where_it_sees_the_text(model_dir, tmp_path):
    """With a pooler its weights are the head's; a left-to-right one is read at its last token."""
    kind = kind_of_two()
    model = network(model_dir, kind, 1, True)
    from safetensors.torch import load_file

    saved = load_file(model_dir / "model.safetensors")["bert.pooler.dense.weight"]
    assert torch.equal(model.dense.weight, saved)
    modern = ModernBertConfig(
        vocab_size=41,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=64,
        **{"pad_token_id": 0, "cls_token_id": 2, "bos_token_id": 2, "sep_token_id": 3},
        eos_token_id=3,
    )
    encoders = {
        "masked": BertForMaskedLM(small(vocab_size=41)),
        "causal": BertLMHeadModel(small(vocab_size=41, is_decoder=True)),
        "modern": ModernBertModel(modern),
    }
    for name, encoder in encoders.items():
        encoder.save_pretrained(tmp_path / name)
        one, again = (network(tmp_path / name, kind, 3, True).eval() for _ in range(2))
        batch = inputs()
        with torch.inference_mode():
            found = one(batch, None)
            assert torch.equal(found, again(batch, None)), (
                "fresh weights are a function of the seed"
            )
            batch["input_ids"] = batch["input_ids"].clone()
            batch["input_ids"][0, 3] = 15
            changed = one(batch, None)
        assert not torch.allclose(found[0], changed[0]), f"{name}: the text must reach the head"
        assert torch.allclose(found[1], changed[1], atol=1e-6)
        weights = torch.cat([tensor.flatten() for tensor in one.state_dict().values()])
        assert weights.isfinite().all()
