"""Experiments part where their settings differ: each plans its own branch and leaves those of others alone."""

from __future__ import annotations

import re

import pytest
from tools.workflow_copy import SMALL, WorkflowCopy, changed

pytestmark = pytest.mark.workflow

RAW = {"vocabulary": {"boundaries": "none"}}
EXPERIMENTS = {"demo": {}, "raw": RAW, "half": {"instances": {"share": 0.5}}}

#: The rules that read segments, and those after them.
LATE = (
    *("all", "vocabulary", "keep_vocabulary", "vocabulary_report", "tokenize"),
    *("instances", "held_out_instances", "instances_manifest", "ledger", "pretrain"),
    *("evaluate_pretraining", "evaluate_intrinsic", "audit", "compare", "package", "publish"),
    *("provenance", "measure_stages", "report_pages"),
)
#: Rules that tell of the whole run, so that they follow whatever else is planned.
TELLING = LATE[-3:]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A workflow that is done by name: every output is there, and Snakemake takes it for made."""
    workflow = WorkflowCopy(tmp_path_factory.mktemp("experiments"))
    for name in ("legal", "medical"):
        write(workflow, f"raw/{name}/one.jsonl")
    config = changed(SMALL, "experiments", EXPERIMENTS)
    run = workflow.snakemake("--dry-run", "--cores", "1", config=config)
    for names in re.findall(r"^    output: (.+)$", run.stdout, re.MULTILINE):
        for name in names.split(", "):
            # A folder is there with what is in it.
            write(workflow, name if "." in name else f"{name}/config.json")
    run = workflow.snakemake("--touch", "--cores", "1", "--allowed-rules", *LATE, config=config)
    assert run.returncode == 0, run.stderr[-4000:]
    return workflow


def write(workflow, name):
    path = workflow.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}\n", encoding="utf-8")


def plan(workflow, experiments, *options):
    """Return what is planned for experiments after segmenting, without what measures their models."""
    config = changed(SMALL, "experiments", experiments)
    jobs = workflow.plan(config, "--allowed-rules", *LATE, *options)
    left_out = {name for name in jobs if name.startswith("evaluate_") or name in TELLING}
    return {name: count for name, count in jobs.items() if name not in left_out}


def models(number):
    """Return the jobs of so many models, and that of the table of all."""
    return dict.fromkeys(("pretrain", "audit", "package", "publish"), number) | {"compare": 1}


def test_an_added_experiment_plans_its_own_branch_and_shares_what_it_can(finished):
    packed = RAW | {"instances": {"pairs": {"kind": "none"}}, "pretrain": {"objective": "mlm"}}
    hot = RAW | {"pretrain": {"learning_rate": 0.001}}
    # Its vocabulary is that of `raw`, and the instances of the second are as well.
    assert plan(finished, EXPERIMENTS | {"packed": packed, "hot": hot}) == {
        **{"instances": 1, "held_out_instances": 2, "instances_manifest": 1, "ledger": 1},
        **models(2),
    }


def test_a_removed_experiment_leaves_the_others_as_they_are(finished):
    # Of what is only taken for made Snakemake knows no parameters, so that the table may not be due.
    assert plan(finished, {"raw": RAW, "half": None, "demo": None}).keys() <= {"compare"}


def test_a_renamed_experiment_and_settings_that_change_nothing_move_nothing_upstream(finished):
    same = {"vocabulary": {"boundaries": "none", "size": 2048}, "instances": {"share": 1}}
    assert plan(finished, EXPERIMENTS | {"raw": None, "plain": same}) == models(1)


def test_what_no_experiment_has_is_not_made(finished):
    jobs = plan(finished, {"raw": RAW}, "--forceall")
    assert jobs["vocabulary"] == jobs["tokenize"] == jobs["instances"] == jobs["ledger"] == 1
    assert jobs["vocabulary_report"] == 1


def test_an_experiment_may_keep_a_tokenizer_where_others_learn_theirs(finished):
    write(finished, "kept/vocab.txt")
    write(finished, "kept/tokenizer_config.json")
    kept = {"vocabulary": {"tokenizer": {"model": "kept"}}}
    hot = kept | {"pretrain": {"learning_rate": 0.001}}
    jobs = plan(finished, EXPERIMENTS | {"kept": kept, "hot": hot})
    assert jobs["keep_vocabulary"] == jobs["tokenize"] == jobs["instances"] == 1
    assert "vocabulary" not in jobs and jobs["pretrain"] == 2
