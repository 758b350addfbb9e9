"""A tokenizer is kept in place of learning one, and an encoder to begin with is an input like any other."""

from __future__ import annotations

import pytest
from malmoi.vocab.learn import SPECIAL_TOKENS, bert_tokenizer
from tools.workflow_copy import SMALL, WorkflowCopy, changed

pytestmark = pytest.mark.workflow

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    """A workflow with one raw file a source, a tokenizer and what looks like an encoder."""
    workflow = WorkflowCopy(tmp_path_factory.mktemp("encoder"))
    for name in ("legal", "medical"):
        (workflow.folder / "raw" / name).mkdir(parents=True)
        write(workflow, f"raw/{name}/one.jsonl", '{"text": "판결"}\n')
    pieces = [*SPECIAL_TOKENS, "판", "##결"]
    bert_tokenizer(pieces).save_pretrained(workflow.folder / "kept")
    write(workflow, "kept/vocab.txt", "\n".join(pieces) + "\n")
    for name in ("config.json", "vocab.txt", "model.safetensors", "README.md"):
        write(workflow, f"encoder/{name}", "{}")
    return workflow


def write(workflow, name, text):
    path = workflow.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_what_is_on_the_hub_is_fetched_once_a_commit_and_nothing_is_learned(workflow):
    reference = {"model": "someone/bert", "revision": COMMIT}
    config = changed(SMALL, "pretrain.init", reference)
    config = changed(config, "vocabulary.tokenizer", reference)
    plan = workflow.plan(changed(config, "experiments", {"demo": {}, "second": {}}))
    # The weights once for both models, and the tokenizer by itself.
    assert plan["fetch_encoder"] == 2
    assert plan["pretrain"] == 2
    assert {"vocabulary", "keep_vocabulary"} & plan.keys() == {"keep_vocabulary"}


def test_a_tokenizer_does_not_change_with_the_text_and_pretraining_does_with_the_encoder(workflow):
    config = changed(SMALL, "vocabulary.tokenizer", {"model": "kept"})
    config = changed(config, "pretrain.init", {"model": "encoder"})
    done = workflow.snakemake("--cores", "1", "results/tokenizer", config=config)
    assert done.returncode == 0, done.stderr[-4000:]
    kept, made = (workflow.folder / name for name in ("kept", "results/tokenizer"))
    contents = {path.name: path.read_bytes() for path in made.iterdir()}
    del contents[".snakemake_timestamp"]
    assert contents == {path.name: path.read_bytes() for path in kept.iterdir()}

    # What pretraining reads and writes, without the stages between.
    for name in ("train/0000.arrow", "validation/all.arrow", "manifest.json"):
        write(workflow, f"results/instances/l64/{name}", "")
    write(workflow, "results/model/demo/config.json", "")
    allowed = ("--allowed-rules", "pretrain", "keep_vocabulary", "vocabulary")
    alone = ("results/model/demo", *allowed)
    done = workflow.snakemake("--cores", "1", "--touch", *alone, config=config)
    assert done.returncode == 0, done.stderr[-4000:]

    write(workflow, "raw/legal/two.jsonl", '{"text": "선고"}\n')
    with workflow.appended("encoder/README.md", " "):
        assert workflow.plan(config, *alone) == {}
    with workflow.appended("encoder/model.safetensors", " "):
        assert workflow.plan(config, *alone) == {"pretrain": 1}
