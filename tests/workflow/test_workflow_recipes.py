"""Each recipe goes over a user's configuration, and the page on recipes names it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tools.workflow_copy import REPO, SMALL, WorkflowCopy

pytestmark = pytest.mark.workflow

FILES = sorted((REPO / "config" / "recipes").glob("*.yaml"))
ABLATIONS = [path for path in FILES if path.stem.startswith("ablation_")]
RECIPES = [path for path in FILES if path not in ABLATIONS]

#: How many vocabularies and sets of instances the models of an ablation need.
BRANCHES = {"ablation_bert": (1, 2), "ablation_korean": (2, 6)}


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    """A workflow with a raw file a source but no results."""
    workflow = WorkflowCopy(tmp_path_factory.mktemp("recipes"))
    for domain in ("legal", "medical"):
        (workflow.folder / "raw" / domain).mkdir(parents=True)
        (workflow.folder / "raw" / domain / "one.jsonl").write_text("{}\n")
    return workflow


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_goes_over_a_configuration(workflow, path: Path):
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    # It says how a model is trained, not on what, on which machine or where it goes.
    assert set(recipe) == {"instances", "pretrain"}
    assert "runtime" not in recipe["pretrain"]
    jobs = workflow.plan(SMALL, "--configfile", "config.yaml", str(path))
    # What a list of the configuration held is gone: `l64` is in no recipe.
    assert jobs["instances"] == len(recipe["instances"]["phases"])
    assert jobs["pretrain"] == 1


@pytest.mark.parametrize("path", ABLATIONS, ids=lambda path: path.stem)
def test_an_ablation_trains_its_experiments_alone_and_shares_what_they_have_in_common(
    workflow, path: Path
):
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(recipe) == {"experiments"}
    wanted = [name for name, own in recipe["experiments"].items() if own is not None]
    table = "results/evaluation/comparison.csv"
    jobs = workflow.plan(SMALL, table, "--configfile", "config.yaml", str(path))
    # The experiment of the configuration below it is gone.
    assert "demo" in SMALL["experiments"] and jobs["pretrain"] == len(wanted)
    vocabularies, instances = BRANCHES[path.stem]
    assert jobs["vocabulary"] == vocabularies
    assert jobs["instances_manifest"] == instances * len(SMALL["instances"]["phases"])
    # The table alone needs no package.
    assert "package" not in jobs


def test_the_page_on_recipes_names_each():
    page = (REPO / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert [path.stem for path in FILES if f"config/recipes/{path.name}" not in page] == []
    assert len(RECIPES) >= 3
