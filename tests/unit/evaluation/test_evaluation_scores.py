"""Figures are those of scikit-learn, SciPy, seqeval and KLUE's definitions; differences are corrected."""

import numpy as np
import pytest
from malmoi.evaluation.answers import Answers, klue_normalized, klue_rouge_w
from malmoi.evaluation.entities import Tokens
from malmoi.evaluation.scores import holm, scores, two_sided
from malmoi.evaluation.tasks import Part, Task
from malmoi.evaluation.texts import Classification, Regression
from scipy.stats import pearsonr, spearmanr
from seqeval.metrics import f1_score as entity_f1
from seqeval.scheme import IOB2
from sklearn.metrics import f1_score


def task(kind: str, labels: list[str], targets: list) -> Task:
    return Task("made", kind, labels, {"train": Part(targets=targets)}, {}, 0, 0)


def test_scores_are_those_of_scikit_learn_over_the_classes_of_train():
    targets = [0, 0, 1, 1, 1, 0]
    runs = [[0, 1, 1, 1, 2, 0], [0, 0, 0, 1, 1, 0]]
    groups = ["a", "a", "b", "c", "d", "e"]
    kind = Classification(task("classification", ["가", "나", "다"], targets))
    models, differences = scores(kind, targets, groups, {"trained": runs, "majority": [[0] * 6]}, 1)
    expected = [
        f1_score(targets, run, labels=[0, 1, 2], average="macro", zero_division=0) for run in runs
    ]
    assert models["trained"]["macro_f1"]["mean"] == pytest.approx(np.mean(expected), abs=1e-6)
    assert models["trained"]["accuracy"]["mean"] == pytest.approx((4 + 5) / 12, abs=1e-6)
    assert differences["majority"]["accuracy"]["mean"] == pytest.approx(0.75 - 0.5)
    low, high = (models["trained"]["accuracy"][end] for end in ("low", "high"))
    assert 0.3 < low < 0.75 < high <= 1


def test_correlations_are_those_of_scipy():
    rng = np.random.default_rng(5)
    targets = rng.normal(3, 1, 200).round(1).tolist()
    predicted = (np.array(targets) + rng.normal(0, 1, 200)).tolist()
    kind = Regression(task("regression", [], targets))
    sums = kind.columns(targets, predicted).sum(0)
    expected = [pearsonr(targets, predicted)[0], spearmanr(targets, predicted)[0]]
    assert kind.figures(sums, sums) == pytest.approx(expected, abs=1e-9)
    sums = kind.columns(targets, [3.0] * 200).sum(0)
    assert kind.figures(sums, sums).tolist() == [0.0, 0.0]


def test_entity_and_character_scores_are_those_of_seqeval_and_klue():
    labels = ["O", "B-LC", "I-LC", "B-OG", "I-OG", "B-PS", "I-PS"]
    kind = Tokens(task("tokens", labels, []))
    rng = np.random.default_rng(3)
    scored = [rng.normal(size=(12, 7)).astype(np.float32) for _ in range(60)]
    paths = [kind.best(values) for values in scored]
    gold, predicted = [path[:10] for path in paths], [path[2:] for path in paths]
    predicted = [
        [tag - 1 if labels[tag][0] == "I" and at == 0 else tag for at, tag in enumerate(path)]
        for path in predicted
    ]
    named = [[[labels[tag] for tag in path] for path in part] for part in (gold, predicted)]
    flat = [np.concatenate(part) for part in (gold, predicted)]
    sums = kind.columns(gold, predicted).sum(0)
    assert kind.figures(sums, sums) == pytest.approx(
        [
            entity_f1(*named, average="macro", mode="strict", scheme=IOB2),
            entity_f1(*named, average="micro", mode="strict", scheme=IOB2),
            f1_score(*flat, labels=range(1, 7), average="macro"),
            f1_score(*flat, labels=range(7), average="macro", zero_division=1),
        ]
    )
    # KLUE's own figure rewards who finds nothing, and tags that do not occur.
    silent = kind.columns([[0, 0, 0, 1]], [[0] * 4]).sum(0)
    *corrected, klue = kind.figures(silent, silent)
    assert corrected == [0, 0, 0]
    assert klue == pytest.approx((6 / 7 + 0 + 5) / 7)


def test_no_entity_begins_with_its_inside():
    kind = Tokens(task("tokens", ["O", "B-LC", "I-LC"], []))
    likely_inside = np.log(np.array([[0.2, 0.1, 0.7], [0.1, 0.1, 0.8]], dtype=np.float32))
    assert kind.best(likely_inside) == [1, 2]


def test_answers_are_compared_as_korquad_and_klue_do():
    kind = Answers(task("qa", [], [[(0, "가")]]))
    targets = [[(0, "《민법》 제1조"), (0, "민법")], [(0, "1심 판결")], []]
    columns = kind.columns(targets, ["민법 제1조", "판결", ""])
    assert columns[:, 1].tolist() == [1.0, 0.0, 1.0]
    assert columns[:, 0] == pytest.approx([1.0, 2 * 2 / (2 + 4), 1.0])
    # KLUE keeps the marks it means to take away, and the space in the answer.
    assert klue_normalized("《민법》 (제1조).") == "《민법》 제1조"
    assert columns[0, 2] == 0.0
    assert klue_rouge_w("판결", "1심 판결") == pytest.approx(2 * 2 / (2 + 5))
    assert columns[0, 3] == pytest.approx(max(2 * 4 / (6 + 8), 2 * 2 / (6 + 2)))


def test_chances_are_corrected_for_how_many_there_are():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert two_sided(np.arange(1, 1000)) == pytest.approx(2 / 1000)
    assert two_sided(np.zeros(99)) == 1.0


def test_a_difference_by_chance_is_no_finding_and_a_large_one_is():
    rng = np.random.default_rng(2)
    targets = rng.integers(0, 2, 300).tolist()
    guesses = [rng.integers(0, 2, 300).tolist() for _ in range(3)]
    predictions = {"trained": guesses[:2], "untrained": [guesses[2]], "right": [targets]}
    kind = Classification(task("classification", ["가", "나"], targets))
    groups = [f"g{n // 2}" for n in range(300)]
    _, differences = scores(kind, targets, groups, predictions, 1)
    assert differences["untrained"]["accuracy"]["p_holm"] > 0.05
    assert differences["right"]["accuracy"]["p_holm"] < 0.01
    assert differences["right"]["accuracy"]["high"] < 0
