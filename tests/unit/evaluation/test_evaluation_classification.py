"""Fine-tuning learns what can be learned, is repeatable, and says what is wrong with a task."""

import csv
import json

import numpy as np
import pytest
from malmoi.errors import InputError
from malmoi.evaluation.classification import evaluate_classification, scores
from malmoi.evaluation.finetuning import encode, training_order
from malmoi.evaluation.tasks import read_task, settings_of
from sklearn.metrics import f1_score

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
    def evaluate(rows, name="scores", **changes):
        output = tmp_path / f"{name}.json"
        predictions = tmp_path / f"{name}.csv"
        shard = write_documents(rows)
        evaluate_classification(
            model_dir, [shard], {**TASK, **changes}, output, predictions, threads=1
        )
        return output, predictions

    return evaluate


def test_a_separable_task_is_learned_and_beats_the_majority(run):
    output, predictions = run(separable())
    report = json.loads(output.read_text())
    models = report["models"]
    assert report["classes"] == ["civil", "medical"]
    assert report["documents"] == {"train": 48, "validation": 16, "test": 16}
    assert models["majority"]["accuracy"]["mean"] == pytest.approx(10 / 16)
    assert models["trained"]["accuracy"]["mean"] > 0.9
    assert models["tfidf_svm"]["macro_f1"]["mean"] == 1.0
    assert report["differences"]["majority"]["accuracy"]["low"] > 0
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
        for name in chosen:
            assert one["runs"][0][name] == two["runs"][0][name]


def test_long_texts_are_cut_and_counted(run, model_dir):
    rows = separable(24, 8)
    rows[0]["text"] += " 가" * 100
    report = json.loads(run(rows, epochs=1, seeds=[1])[0].read_text())
    assert report["truncated"] == {"train": 1, "validation": 0, "test": 0}
    encoded = encode(model_dir, ["가" * 14, "가" * 15], 16)
    assert [len(ids) for ids in encoded.ids] == [16, 16]
    assert encoded.truncated == 1


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


def test_documents_without_the_label_are_counted(write_documents):
    rows = separable(24, 8)
    rows[1]["meta"] = {}
    rows[2]["meta"] = {"type": ["a", "b"]}
    rows[4]["meta"] = {"type": "tax"}
    rows[5]["kind"] = "statute"
    settings = settings_of({**TASK, "kinds": ["judgment"], "labels": ["civil", "medical"]})
    task = read_task([write_documents(rows)], settings)
    assert task.left_out == {"without_label": 2, "other_labels": 1}
    assert len(task.parts["train"].targets) == 24 - 4


def test_kind_and_domain_are_labels_too(write_documents):
    rows = separable(24, 8)
    for number, row in enumerate(rows):
        row["kind"] = "statute" if number % 2 else "judgment"
    task = read_task([write_documents(rows)], settings_of({**TASK, "label": "kind"}))
    assert task.classes == ["judgment", "statute"]


def test_a_group_in_two_splits_is_counted(write_documents):
    rows = separable(24, 8)
    rows[0]["group"] = rows[-1]["group"] = "2019다1"
    assert read_task([write_documents(rows)], settings_of(TASK)).groups_in_several_splits == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: [r | {"meta": {"court": "가"}} for r in rows], ("no document", "court")),
        (lambda rows: [r for r in rows if r["split"] != "test"], ("test split", "curate.split")),
        (lambda rows: [r | {"meta": {"type": "civil"}} for r in rows], ("civil", "two values")),
        (
            lambda rows: [*rows, {"split": "test", "text": "가", "meta": {"type": "tax"}}],
            ("'tax'", "never in train", "labels"),
        ),
    ],
)
def test_an_impossible_task_is_explained(write_documents, change, words):
    path = write_documents(change(separable(24, 8)))
    with pytest.raises(InputError) as error:
        read_task([path], settings_of(TASK))
    for word in ("case_type", "'type'", *words):
        assert word in str(error.value)


def test_settings_are_checked(run):
    with pytest.raises(InputError, match="unknown key 'epoch'"):
        settings_of({**TASK, "epoch": 3})
    with pytest.raises(InputError, match="label"):
        settings_of({"name": "case_type"})
    with pytest.raises(InputError, match="64 positions"):
        run(separable(), max_seq_length=65)


def test_scores_are_those_of_scikit_learn_over_the_classes_of_train():
    targets = np.array([0, 0, 1, 1, 1, 0])
    runs = [np.array([0, 1, 1, 1, 2, 0]), np.array([0, 0, 0, 1, 1, 0])]
    groups = ["a", "a", "b", "c", "d", "e"]
    models, differences = scores(
        targets, groups, {"trained": runs, "majority": [np.zeros(6, dtype=int)]}, 3, 1
    )
    expected = [
        f1_score(targets, run, labels=[0, 1, 2], average="macro", zero_division=0) for run in runs
    ]
    assert models["trained"]["macro_f1"]["mean"] == pytest.approx(np.mean(expected), abs=1e-6)
    assert models["trained"]["accuracy"]["mean"] == pytest.approx((4 + 5) / 12, abs=1e-6)
    assert differences["majority"]["accuracy"]["mean"] == pytest.approx(0.75 - 0.5)
    low, high = (models["trained"]["accuracy"][end] for end in ("low", "high"))
    assert 0.3 < low < 0.75 < high <= 1
