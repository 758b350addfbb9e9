"""The table holds every experiment's figures; equal results give equal files."""

import json

import pandas as pd
import pytest
from malmoi.errors import InputError
from malmoi.evaluation.comparison import compare


def pretraining(loss: float) -> dict:
    def scores(value: float, with_pairs: bool) -> dict:
        names = ["mlm_loss", "mlm_accuracy", "mlm_bits_per_character"]
        names += ["nsp_loss", "nsp_accuracy"] if with_pairs else []
        values = dict.fromkeys(names, value)
        return {**values, "intervals": {name: [value - 0.1, value + 0.1] for name in names}}

    split = {
        "documents": 12,
        "trained": scores(loss, True),
        "untrained": scores(8.0, True),
        "unigram": scores(7.0, False),
    }
    return {"kind": "pretraining", "validation": split, "test": split}


def classification(task: str, value: float) -> dict:
    names = ("trained", "untrained", "our_other", "tfidf_svm", "majority")
    score = {"mean": value, "low": value - 0.05, "high": value + 0.05}
    measures = ["accuracy", "macro_f1"]
    return {
        "kind": "classification",
        "task": task,
        "items": {"test": 40},
        "measures": measures,
        "models": {name: dict.fromkeys(measures, score) for name in names},
        "differences": {name: {"accuracy": {"p_holm": 0.02}} for name in names[1:]},
    }


@pytest.fixture
def summaries(tmp_path):
    """The summaries of the trainings, whose fingerprints are 64 digits."""
    paths = {}
    for number, experiment in enumerate(("raw", "<base>", "base")):
        paths[experiment] = tmp_path / f"summary-{number}.json"
        paths[experiment].write_text(json.dumps({"fingerprint": f"{number}" * 64}))
    return paths


@pytest.fixture
def results(tmp_path):
    paths = {}
    for experiment, loss in (("raw", 4.0), ("<base>", 3.5)):
        folder = tmp_path / experiment
        folder.mkdir()
        for name, value in (
            ("pretraining", pretraining(loss)),
            ("사건종류", classification("사건종류", loss / 10)),
        ):
            (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
        paths[experiment] = sorted(folder.glob("*.json"))
    return paths


def test_every_figure_of_every_experiment_is_in_the_table(results, summaries, tmp_path):
    out = [tmp_path / f"table.{end}" for end in ("csv", "html", "png")]
    compare(results, summaries, *out)
    table = pd.read_csv(out[0], dtype={"fingerprint": str})
    runs = dict(zip(table["experiment"], table["fingerprint"], strict=True))
    assert runs == {"raw": "0" * 16, "<base>": "1" * 16}
    assert len(table) == 2 * (2 * (5 + 5 + 3) + 5 * 2)
    one = table[(table.split == "test") & (table.metric == "mlm_loss") & (table.model == "trained")]
    assert one.set_index("experiment")["value"].to_dict() == {"raw": 4.0, "<base>": 3.5}
    assert list(one["experiment"]) == ["raw", "<base>"]
    assert list(table["evaluation"].unique()) == ["held-out", "사건종류"]
    task = table[(table.evaluation == "사건종류") & (table.metric == "accuracy")]
    assert list(task["model"].unique()) == [
        *("trained", "untrained", "our_other"),
        *("tfidf_svm", "majority"),
    ]
    assert set(task[task.model == "our_other"]["p"]) == {0.02}
    assert task[task.model == "trained"]["p"].isna().all()
    page = out[1].read_text(encoding="utf-8")
    assert "&lt;base&gt;" in page
    assert "<base>" not in page
    assert "0.350 [0.300, 0.400]" in page
    assert page.count("1" * 16) == 1
    assert out[2].read_bytes().startswith(b"\x89PNG")


def test_equal_results_give_equal_files(results, summaries, tmp_path):
    written = []
    for name in ("one", "two"):
        out = [tmp_path / name / f"table.{end}" for end in ("csv", "html", "png")]
        compare(results, summaries, *out)
        written.append([path.read_bytes() for path in out])
    assert written[0] == written[1]


def test_an_experiment_without_tasks_is_still_compared(results, summaries, tmp_path):
    results = {
        name: [p for p in paths if p.stem == "pretraining"] for name, paths in results.items()
    }
    out = [tmp_path / f"table.{end}" for end in ("csv", "html", "png")]
    table = compare(results, summaries, *out)
    assert set(table["experiment"]) == {"raw", "<base>"}


def test_what_is_no_evaluation_is_named(summaries, tmp_path):
    out = [tmp_path / f"table.{end}" for end in ("csv", "html", "png")]
    with pytest.raises(InputError, match="no evaluation to compare"):
        compare({"base": []}, summaries, *out)
    for text in ('{"kind": "loss"}', "[1]", "{"):
        (tmp_path / "odd.json").write_text(text)
        with pytest.raises(InputError, match=r"odd\.json"):
            compare({"base": [tmp_path / "odd.json"]}, summaries, *out)
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(InputError, match=r"summary\.json: no summary of a training"):
        compare({"base": []}, {"base": tmp_path / "summary.json"}, *out)
