"""Each recipe goes over a user's configuration, and the page on recipes names it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tools.workflow_copy import REPO, SMALL, WorkflowCopy

pytestmark = pytest.mark.workflow

RECIPES = sorted((REPO / "config" / "recipes").glob("*.yaml"))


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


def test_the_page_on_recipes_names_each():
    page = (REPO / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert [path.stem for path in RECIPES if f"config/recipes/{path.name}" not in page] == []
    assert len(RECIPES) >= 3
