"""After a finished run, a change plans what depends on it: nothing less and nothing more."""

from __future__ import annotations

import os
import re

import pytest
from tools.workflow_copy import SMALL, WorkflowCopy, changed

pytestmark = [pytest.mark.workflow, pytest.mark.training]

#: Rules that tell of the whole run: what it took, and its tables.
END = ("measure_stages", "report_pages")
#: Each rule and those that read its outputs.
READERS = {
    "ingest": {*("digest_shards", "normalize", "ledger"), *("curation_report", "provenance")},
    "digest_shards": {"normalize", "filter"},
    "normalize": {"filter", "ledger", "curation_report"},
    "filter": {"find_duplicates", "split", "ledger", "curation_report"},
    "find_duplicates": {"split", "segment", "curation_report"},
    "split": {"segment", "ledger", "curation_report"},
    "segment": {
        *("vocabulary", "vocabulary_report", "tokenize"),
        *("evaluate_intrinsic", "evaluate_task", "audit", "package", "ledger"),
    },
    "vocabulary": {
        *("vocabulary_report", "tokenize", "instances"),
        *("held_out_instances", "pretrain"),
    },
    "vocabulary_report": {"package", *END},
    "tokenize": {
        *("instances", "held_out_instances", "evaluate_intrinsic"),
        *("audit", "package", "ledger"),
    },
    "instances": {"instances_manifest", "pretrain", "evaluate_pretraining", "ledger"},
    "held_out_instances": {"instances_manifest", "pretrain", "evaluate_pretraining", "ledger"},
    "instances_manifest": {"pretrain", "package"},
    "pretrain": {
        *("evaluate_pretraining", "evaluate_intrinsic", "evaluate_task"),
        *("audit", "compare", "package"),
    },
    "evaluate_pretraining": {"compare", "package"},
    "evaluate_intrinsic": {"compare", "package", "report_pages"},
    "evaluate_task": {"compare", "package"},
    "audit": {"package", "report_pages"},
    "ledger": {"package", *END},
    "curation_report": {*END},
    "compare": {"provenance", "measure_stages"},
    "package": {"publish", "provenance"},
    "publish": {"measure_stages"},
    "provenance": {*END},
    "measure_stages": {"report_pages"},
    "report_pages": set(),
}
ASKED = (
    *("publish", "compare", "ledger", "curation_report", "vocabulary_report"),
    *("provenance", "measure_stages", "report_pages"),
)
#: What follows from any package.
TOLD = dict.fromkeys(("provenance", *END), 1)
TASK = {"name": "kinds", "label": "kind"}


def after(*rules):
    """Return rules and all that follow from them, in a run without tasks."""
    found, waiting = set(), [*rules]
    while waiting:
        rule = waiting.pop()
        if rule not in found:
            found.add(rule)
            waiting += READERS[rule]
    return found - {"evaluate_task"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A workflow that has run, for true, from raw files to the package."""
    workflow = WorkflowCopy(tmp_path_factory.mktemp("finished"))
    workflow.generate(megabytes=0.6)
    run = workflow.snakemake("--cores", "2", config=SMALL)
    assert run.returncode == 0, run.stderr[-4000:]
    return workflow


def test_the_rules_read_each_other_as_this_test_has_it(finished):
    run = finished.snakemake("--rulegraph", "dot", config=changed(SMALL, "evaluate.tasks", [TASK]))
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', run.stdout))
    edges = {(names[a], names[b]) for a, b in re.findall(r"(\d+) -> (\d+)", run.stdout)}
    wanted = {(rule, reader) for rule, readers in READERS.items() for reader in readers}
    assert edges == wanted | {(rule, "all") for rule in ASKED}


def test_nothing_changed_plans_nothing(finished):
    assert finished.plan(SMALL) == {}


def reversed_keys(value):
    if isinstance(value, dict):
        return {name: reversed_keys(value[name]) for name in reversed(value)}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


def test_keys_in_another_order_plan_nothing(finished):
    assert finished.plan(reversed_keys(SMALL)) == {}


def test_a_default_written_out_plans_nothing(finished):
    config = changed(SMALL, "normalize", {"pii": {"phone": "mask"}})
    config = changed(config, "instances.masking", {"rate": 0.15})
    assert finished.plan(changed(config, "publish.private", True)) == {}


@pytest.mark.parametrize(
    ("path", "value", "rules"),
    [
        ("seed", 21, after("split")),
        ("corpus.shards", 2, after("ingest")),
        ("corpus.sources[0].fields.title", "label", after("ingest")),
        # The licence is for the card: reading the files does not depend on it.
        ("corpus.sources[0].license", "CC0-1.0", after("package")),
        ("normalize.pii.phone", "drop", after("normalize")),
        ("curate.filters.min_chars", 120, after("filter")),
        ("curate.dedup.threshold", 0.7, after("find_duplicates")),
        ("curate.split.test", 0.2, after("split")),
        ("segment.dictionaries", ["words.txt"], after("segment")),
        ("segment.terms", ["legal"], after("segment")),
        ("segment.patterns", False, after("segment")),
        ("segment.spacing", "repair", after("segment")),
        # What is proposed is for who asks for it.
        ("segment.proposals.min_count", 30, set()),
        ("vocabulary.size", 2176, after("vocabulary")),
        ("vocabulary.boundaries", "all", after("vocabulary")),
        ("vocabulary.compare", ["klue/bert-base"], after("vocabulary_report")),
        ("vocabulary.sweep.sizes", [4096], set()),
        ("instances.masking.rate", 0.2, after("instances", "held_out_instances")),
        ("instances.pairs.short_share", 0.2, after("instances", "held_out_instances")),
        # Held-out masks are written down whatever the training's are.
        ("instances.masking.when", "dynamic", after("instances")),
        # A phase no model uses leaves the models alone.
        (
            "instances.phases",
            lambda old: [*old, {"name": "l32", "max_seq_length": 32}],
            {"instances", "held_out_instances"} | after("ledger"),
        ),
        ("pretrain.learning_rate", 0.0002, after("pretrain")),
        ("evaluate.batch_size", 32, after("evaluate_pretraining")),
        ("evaluate.intrinsic.eojeols", 200, after("evaluate_intrinsic")),
        ("evaluate.audit.masks", 2, after("audit")),
        # None are planted.
        ("evaluate.audit.counts", [1, 4], set()),
        # Planted documents are trained on, and neither the vocabulary nor held-out figures change.
        (
            "evaluate.audit.canaries",
            True,
            {"plant_canaries", "segment", "tokenize", "instances", "instances_manifest", "ledger"}
            | after("pretrain"),
        ),
        (
            "evaluate.tasks",
            [TASK],
            {"evaluate_task"} | after("compare", "package"),
        ),
        ("publish.title", "another", after("package")),
        ("publish.repo_id", "someone/model", after("publish")),
        (
            "publish.tokenizer_repo_id",
            "someone/words",
            {"package_tokenizer", "publish_shared", *END},
        ),
        (
            "publish",
            lambda old: {**old, "dataset_repo_id": "someone/text", "dataset_licences": ["MIT"]},
            {"package_dataset", "publish_shared", *END},
        ),
    ],
)
def test_a_setting_plans_what_reads_it_and_what_follows(finished, path, value, rules):
    (finished.folder / "words.txt").write_text("손해배상책임\n", encoding="utf-8")
    assert set(finished.plan(changed(SMALL, path, value))) == rules


def test_another_experiment_shares_all_stages_before_pretraining(finished):
    experiments = {"demo": {}, "hot": {"pretrain": {"learning_rate": 0.001}}}
    plan = finished.plan(changed(SMALL, "experiments", experiments))
    assert plan == {
        "pretrain": 1,
        "evaluate_pretraining": 1,
        "evaluate_intrinsic": 1,
        "audit": 1,
        "compare": 1,
        "package": 1,
        "publish": 1,
        **TOLD,
    }


def test_a_second_configuration_file_changes_only_what_it_says(finished):
    (finished.folder / "my.yaml").write_text("publish: {title: mine}\n")
    plan = finished.plan(SMALL, "--configfile", "my.yaml")
    assert plan == {"package": 1, "publish": 1, **TOLD}


def test_an_added_file_plans_its_own_source_and_what_follows(finished):
    path = finished.folder / "raw" / "legal" / "more.jsonl"
    path.write_text('{"text": "원고의 청구를 기각한다."}\n', encoding="utf-8")
    try:
        plan = finished.plan(SMALL)
    finally:
        path.unlink()
    assert set(plan) == after("ingest")
    assert plan["ingest"] == 1


def test_files_that_are_only_newer_plan_nothing(finished):
    os.utime(finished.folder / "raw" / "legal" / "judgment.jsonl")
    os.utime(finished.folder / "workflow" / "scripts" / "malmoi" / "ledger.py")
    assert finished.plan(SMALL) == {}


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("filter_documents.py", after("filter")),
        ("malmoi/text/pii.py", after("normalize")),
        # One room reads this module of another.
        ("malmoi/text/charset.py", after("ingest")),
        ("malmoi/vocab/tokens.py", after("tokenize")),
        # The ranks are programs of their own: no import leads to what they run.
        ("malmoi/training/loop.py", after("pretrain")),
        ("malmoi/instances/loader.py", after("pretrain")),
        ("malmoi/publish/card.md.jinja", after("package")),
        ("malmoi/publish/hub.py", after("publish")),
        # The workflow alone uses it.
        ("malmoi/configcheck.py", set()),
    ],
)
def test_edited_code_plans_the_rules_that_run_it_and_what_follows(finished, name, rules):
    with finished.appended(f"workflow/scripts/{name}", "\n# edited\n"):
        assert set(finished.plan(SMALL)) == rules
