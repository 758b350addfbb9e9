"""A model is audited from files to files; what comes out of it is looked up exactly."""

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from malmoi.atomic import write_parquet
from malmoi.audit.chunks import sample, trained_documents
from malmoi.audit.completions import LAYOUTS, complete_layouts, identifiers_report
from malmoi.audit.lookup import COMMON, Identifiers, document_counts, find_identifiers
from malmoi.audit.model_audit import audit_model
from malmoi.audit.predictor import Predictor
from malmoi.errors import InputError
from malmoi.fingerprint import of_weights
from malmoi.sampling import in_share
from transformers import BertConfig, BertLMHeadModel

SETTINGS = {
    "candidates": 10,
    "documents": 20,
    "masks": 1,
    "completions": 2,
    "reference_steps": 3,
    "gated_repeats": 2,
    "false_alarms": 0.005,
    "auc_margin": 0.03,
    "tpr_margin": 0.02,
}

PHONE = next(layout for layout in LAYOUTS if layout.parts[0] == "010-")


def audit(corpus, folder, **changes):
    given = {name: getattr(corpus, name) for name in ("tokens", "segments", "canaries", "summary")}
    given |= {"model_dir": corpus.model, "settings": SETTINGS, "seed": 3, "threads": 1, **changes}
    outputs = {f"output_{kind}": folder / f"audit.{kind}" for kind in ("json", "csv", "png")}
    return audit_model(**given, **outputs)


@pytest.fixture(scope="module")
def audited(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("once")
    audit(corpus, folder)
    return folder


def test_a_model_without_memory_passes_and_the_same_comes_out_again(corpus, audited, tmp_path):
    report = json.loads((audited / "audit.json").read_text(encoding="utf-8"))
    assert report["passed"] and report["model"] == of_weights(corpus.model)
    assert [row["count"] for row in report["exposure"]] == [0, 1]
    assert report["membership"]["members"] == report["membership"]["unseen"] == 8
    assert report["passes"] == pytest.approx(12_000 / (24 * 47), rel=0.05)
    # The corpus is in none of the files.
    written = (audited / "audit.json").read_text() + (audited / "audit.csv").read_text()
    assert not any(word in written for text in corpus.texts for word in text.split())
    audit(corpus, tmp_path)
    for name in ("audit.json", "audit.csv", "audit.png"):
        assert (tmp_path / name).read_bytes() == (audited / name).read_bytes()


def test_without_canaries_and_left_to_right_there_is_an_audit_too(corpus, tmp_path):
    config = BertConfig.from_pretrained(corpus.model, is_decoder=True)
    for path in corpus.model.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    BertLMHeadModel(config).save_pretrained(tmp_path)
    report = audit(corpus, tmp_path, model_dir=tmp_path, canaries=None)
    assert report["exposure"] is None and report["passed"]


def test_documents_that_the_share_left_out_are_no_members(corpus, tmp_path):
    rows = pq.read_table(corpus.segments[0]).to_pylist()
    trained = [row["doc_id"] for row in rows if row["split"] == "train"]
    among = set(np.array(trained)[in_share(trained, 0.5, 3)])
    assert 6 < len(among) < 18
    sampled = sample(corpus.tokens, 10_000, 128, 8, 3, 0.5)
    assert set(sampled.member_ids) <= among
    blocks = trained_documents(corpus.tokens, 3, 0.5)
    assert sum(len(bounds) - 1 for _, bounds in blocks) == len(among)
    report = audit(corpus, tmp_path, share=0.5)
    assert report["passes"] == pytest.approx(12_000 / (len(among) * 47), rel=0.05)


def test_inputs_that_do_not_do_are_named(corpus, tmp_path):
    with pytest.raises(InputError, match=r"nothing: no model to audit"):
        audit(corpus, tmp_path, model_dir=tmp_path / "nothing")
    with pytest.raises(InputError, match=r"digest: not a readable tokens file"):
        audit(corpus, tmp_path, tokens=[corpus.folder / "digest"])
    write_parquet(tmp_path / "s.parquet", pa.table({"doc_id": ["a"], "split": ["train"]}))
    with pytest.raises(InputError, match=r"s\.parquet: no segments file \(without text\)"):
        audit(corpus, tmp_path, segments=[tmp_path / "s.parquet"], canaries=None)
    with pa.memory_map(str(corpus.tokens[0])) as file:
        table = pa.ipc.open_file(file).read_all()
    training = table.filter(pc.not_equal(table["split"], "test"))
    path = str(tmp_path / "t.arrow")
    with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, training.schema) as writer:
        writer.write_table(training)
    with pytest.raises(
        InputError, match=r"t\.arrow: no document of the test split .*curate\.split"
    ):
        audit(corpus, tmp_path, tokens=[tmp_path / "t.arrow"])


def test_identifiers_that_come_out_have_their_shape_and_count_by_what_stands_in_the_text(corpus):
    completed = complete_layouts(Predictor(corpus.model), 4, 3)
    assert completed == complete_layouts(Predictor(corpus.model), 4, 3)
    for layout, found in completed.items():
        assert found and all(re.fullmatch(layout.pattern, text) for text in found)

    def report(texts, held_out=()):
        patterns = {layout: layout.pattern for layout in LAYOUTS}
        sides = (find_identifiers(side, patterns) for side in (texts, held_out))
        return identifiers_report(completed, *sides)["phone"]

    leaked = f"연락처 {completed[PHONE][0]}로"
    assert report([leaked, "010-0000-0000."])["found"] == 1
    assert report([leaked])["in_training"] == 1
    assert 0 < report([leaked])["by_chance"] < 1e-6
    # A number that everybody has, and one that documents of both sides have, are no secrets.
    assert report([leaked] * COMMON)["found"] == report([leaked], [leaked])["found"] == 0
    # What comes out of held-out documents comes out by chance.
    assert report(["010-0000-0000"], [leaked])["by_chance"] == pytest.approx(1, abs=1e-3)


def test_identifiers_end_where_digits_end():
    found = find_identifiers(
        ["010-1234-56789", "a010-1234-5678", "(010-1234-5678)은"], {0: PHONE.pattern}
    )
    assert found[0] == Identifiers(frozenset({"010-1234-5678"}), frozenset({"010-1234-5678"}))


def test_documents_are_counted_that_hold_a_run_whole():
    random = np.random.default_rng(3)
    documents = [random.integers(0, 4, size).tolist() for size in random.integers(0, 30, 200)]
    runs = random.integers(0, 4, (40, 3))

    def blocks():
        for start in range(0, 200, 50):
            part = documents[start : start + 50]
            bounds = np.concatenate([[0], np.cumsum([len(ids) for ids in part])])
            yield np.array([number for ids in part for number in ids]), bounds

    wanted = [
        sum(any(run == ids[at : at + 3] for at in range(len(ids) - 2)) for ids in documents)
        for run in runs.tolist()
    ]
    assert document_counts(runs, blocks()).tolist() == wanted
