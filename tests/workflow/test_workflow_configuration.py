"""A configuration that cannot work stops the run before its first job, with a line that says how to go on."""

from __future__ import annotations

import pytest
from tools.workflow_copy import SMALL, WorkflowCopy, changed

pytestmark = pytest.mark.workflow

SOURCE = SMALL["corpus"]["sources"][0]
PHASE = SMALL["pretrain"]["phases"][0]


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    """A workflow with one raw file a source, and a folder without any."""
    workflow = WorkflowCopy(tmp_path_factory.mktemp("configuration"))
    for name in ("raw/legal", "raw/medical", "raw/empty"):
        (workflow.folder / name).mkdir(parents=True)
    for name in ("raw/legal", "raw/medical"):
        (workflow.folder / name / "one.jsonl").write_text('{"text": "판결"}\n', encoding="utf-8")
    (workflow.folder / "takedown.txt").write_text("notes:one.jsonl\n", encoding="utf-8")
    return workflow


def test_the_small_configuration_is_right(workflow):
    assert workflow.plan(SMALL)["ingest"] == 2


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        ("vocabulary.sise", 2048, ("vocabulary:", "'sise'", "did you mean 'size'?")),
        ("corpus.shards", "two", ("corpus.shards:", "type integer")),
        ("corpus.sources[0].path", "raw/nowhere", ("legal", "raw/nowhere", "put the documents")),
        ("corpus.sources[0].path", "raw/empty", ("legal", "raw/empty", "no file", "*.jsonl")),
        ("corpus.sources[0].pattern", "/all/*", ("legal", "pattern")),
        ("corpus.sources", [SOURCE, SOURCE], ("corpus.sources", "'legal'", "rename one")),
        (
            "pretrain.phases",
            [PHASE | {"name": "l99"}],
            ("experiments.demo", "pretrain.phases", "'l99'", "instances.phases (l64)"),
        ),
        (
            "pretrain.objective",
            "mlm+sop",
            (
                "pretrain.objective 'mlm+sop'",
                "instances.pairs.kind 'sop'",
                "set the objective to mlm",
            ),
        ),
        ("pretrain.runtime.nodes", 3, ("pretrain.runtime", "shared evenly by 3 nodes")),
        ("pretrain.phases", [PHASE, PHASE], ("pretrain.phases", "a phase occurs twice")),
        (
            "segment.dictionaries",
            ["results/dictionary/proposed.csv"],
            ("segment.dictionaries", "name a copy of it"),
        ),
        ("pretrain.phases[0].epochs", 1, ("pretrain.phases[0]:", "either 'steps' or 'epochs'")),
        ("pretrain.max_position_embeddings", 32, ("'l64'", "pretrain.max_position_embeddings")),
        (
            "pretrain.optimizer",
            "lamb",
            ("experiments.demo", "pretrain.optimizer", "zero_stage to 0"),
        ),
        ("pretrain.model.heads", 3, ("pretrain.model", "hidden_size 16", "multiple of heads")),
        (
            "experiments.demo",
            {"pretrain": {"learning_rat": 1}},
            ("experiments.demo: pretrain", "did you mean 'learning_rate'?"),
        ),
        (
            "experiments.demo",
            {"instances": {"pairs": {"kind": "none"}}},
            ("experiments.demo: pretrain.objective 'mlm+nsp'", "which is 'none'"),
        ),
        (
            "experiments.demo",
            {"vocabulary": {"sweep": {}}},
            ("experiments.demo.vocabulary: 'sweep'", "boundaries"),
        ),
        (
            "experiments.demo",
            {"vocabulary": {"boundaries": "none", "tokenizer": {"model": "kept"}}},
            ("experiments.demo: vocabulary.boundaries: nothing is learned", "tokenizer to null"),
        ),
        (
            "publish",
            {"target": "hub"},
            ("publish.repo_id", "namespace/name"),
        ),
        ("publish.dataset_repo_id", "a/text", ("publish.dataset_repo_id", "dataset_licences")),
        (
            "publish",
            {"repo_id": "a/{experiment}", "tokenizer_repo_id": "a/demo"},
            ("publish.tokenizer_repo_id", "a model goes to this repository"),
        ),
        ("segment.dictionaries", ["words.txt"], ("segment.dictionaries", "words.txt", "UTF-8")),
        (
            "corpus.sources[0].url",
            "https://host/a.csv",
            ("corpus.sources[0]:", "either 'path' or 'url' or 'dataset'"),
        ),
        (
            "corpus.sources[0]",
            {"name": "far", "url": "https://host/a.csv", "domain": "legal", "license": "MIT"},
            ("corpus.sources[0]:", "'url' needs the key 'sha256'"),
        ),
        (
            "curate.decontaminate",
            {"sets": [{"name": "klue", "path": "klue.json"}]},
            ("curate.decontaminate.sets", "klue.json does not exist"),
        ),
        ("corpus.takedown", "takedown.txt", ("corpus.takedown", "takedown.txt", "'notes'")),
    ],
)
def test_one_line_names_the_key_and_the_cure(workflow, path, value, parts):
    check_stop(workflow, changed(SMALL, path, value), parts)


def test_hidden_files_and_folders_are_no_documents(workflow):
    for hidden in ("raw/secret/.git/one.jsonl", "raw/secret/.two.jsonl"):
        path = workflow.folder / hidden
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"text": "판결"}\n', encoding="utf-8")
    config = changed(SMALL, "corpus.sources[0].path", "raw/secret")
    config = changed(config, "corpus.sources[0].pattern", "**/*")
    check_stop(workflow, config, ("legal", "no file in raw/secret"))


def test_a_source_without_licence_does_not_go_to_the_hub(workflow):
    config = changed(SMALL, "publish", {"target": "hub", "repo_id": "someone/model"})
    config = changed(config, "corpus.sources[0].license", "")
    check_stop(workflow, config, ("corpus.sources", "legal", "license", "hub"))


def test_several_experiments_do_not_go_to_one_repository(workflow):
    config = changed(SMALL, "publish", {"target": "hub", "repo_id": "someone/model"})
    config = changed(config, "experiments.second", {})
    check_stop(workflow, config, ("publish.repo_id", "{experiment}"))


def check_stop(workflow, config, parts):
    """Check that a real run, not a dry one, prints one line with all parts and starts nothing."""
    run = workflow.snakemake("--cores", "1", config=config)
    assert run.returncode != 0
    printed = run.stdout + run.stderr
    (line,) = [line for line in printed.splitlines() if line.startswith("configuration: ")]
    for part in parts:
        assert part in line
    assert len(line) < 300
    # Besides that line, Snakemake says where the workflow stopped.
    assert "Traceback" not in printed
    assert len(printed.splitlines()) <= 8
    assert not (workflow.folder / "results").exists()
