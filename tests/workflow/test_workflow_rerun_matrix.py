"""Every setting of the schema has its row of what a change reruns, and Snakemake plans just that."""

from __future__ import annotations

import pytest
from tools.rerun_matrix import Graph, compare, measure

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def test_every_setting_plans_what_the_schema_says(tmp_path):
    assert {row.leaf: row.wrong for row in measure(tmp_path) if row.wrong} == {}


@pytest.mark.parametrize(
    ("wanted", "planned", "wrong"),
    [
        (["split"], {2, 3}, ""),
        (None, {2, 3}, "the schema has no x-reruns"),
        ([], {2, 3}, "reruns first: ['split'], not []"),
        (["filter"], {2, 3}, "reruns first: ['split'], not ['filter']"),
        (["split"], {1, 2, 3}, "reruns first: ['filter'], not ['split']"),
        (["split"], {2}, "left out though it follows: ['segment']"),
        (["split"], {2, 3, 4}, "reruns first: ['ledger', 'split'], not ['split']"),
    ],
)
def test_a_plan_of_more_or_less_is_wrong(wanted, planned, wrong):
    rules = {1: "filter", 2: "split", 3: "segment", 4: "ledger"}
    graph = Graph(rules, frozenset(planned), ((1, 2), (2, 3)))
    assert compare(wanted, [graph]) == wrong
