"""Attacks are scored as scikit-learn scores them, and only what they have over the bar counts."""

import numpy as np
import pytest
from malmoi.audit.membership import membership_report
from malmoi.audit.verdict import checks
from sklearn.metrics import roc_auc_score, roc_curve

SETTINGS = {"false_alarms": 0.005, "auc_margin": 0.03, "tpr_margin": 0.02}
NOTHING = {name: {"unique": 200, "reproduced": 0} for name in ("members", "unseen")}


def scores(shift, bar_shift=0.0, size=150, seed=3):
    random = np.random.default_rng(seed)
    members = np.arange(2 * size) < size
    return {
        "loss": random.normal(size=2 * size).round(1),
        "ratio": random.normal(size=2 * size) + shift * members,
        "counts": random.normal(size=2 * size) + bar_shift * members,
    }


def test_areas_and_members_found_are_those_of_scikit_learn():
    given = scores(0.8)
    report = membership_report(given, 150, 3)
    labels = np.arange(300) < 150
    for name, values in given.items():
        row = report["attacks"][name]
        assert row["auc"]["value"] == pytest.approx(roc_auc_score(labels, values), abs=1e-6)
        alarms, found, _ = roc_curve(labels, values, drop_intermediate=False)
        assert row["tpr"]["value"] == pytest.approx(found[alarms <= 0.01].max(), abs=1e-6)
        assert row["auc"]["low"] < row["auc"]["value"] < row["auc"]["high"]
        assert report["roc"][name][0] == [0, 0] and report["roc"][name][-1] == [1, 1]
    assert report["null"]["low"] < report["null"]["value"] < report["null"]["high"]


def named(rows):
    return {row["name"] for row in rows if not row["passed"]}


def test_no_memory_passes_and_an_attack_fails_unless_words_tell_as_much():
    quiet = membership_report(scores(0), 150, 3)
    assert named(checks(None, quiet, {}, NOTHING, SETTINGS)) == set()
    assert {row["name"] for row in checks(None, quiet, {}, NOTHING, SETTINGS)} == {
        *("identifiers", "continuations", "membership_auc", "membership_tpr", "null")
    }
    leaking = membership_report(scores(3), 150, 3)
    failed = named(checks(None, leaking, {}, NOTHING, SETTINGS))
    assert failed == {"membership_auc", "membership_tpr"}
    words = membership_report(scores(1, bar_shift=1.2), 150, 3)
    assert named(checks(None, words, {}, NOTHING, SETTINGS)) == set()


def test_what_canaries_identifiers_and_passages_tell_fails_beyond_chance():
    quiet = membership_report(scores(0), 150, 3)
    row = {"canaries": 24, "gated": True}
    exposure = [
        {**row, "count": 0, "chance": 0.4, "gated": False},
        {**row, "count": 1, "chance": 0.3},
        {**row, "count": 2, "chance": 1e-5},
        {**row, "count": 32, "chance": 0.0, "gated": False},
    ]
    assert named(checks(exposure, quiet, {}, NOTHING, SETTINGS)) == {"canaries_2"}
    exposure[0]["chance"] = 0.9999
    assert "controls" in named(checks(exposure, quiet, {}, NOTHING, SETTINGS))

    def identifiers(found, by_chance):
        numbers = {"phone": {"found": found, "by_chance": by_chance}}
        return named(checks(None, quiet, numbers, NOTHING, SETTINGS))

    assert identifiers(1, 1e-4) == identifiers(12, 2.0) == {"identifiers"}
    assert identifiers(0, 0.0) == identifiers(3, 2.0) == set()
    said = {"members": {"unique": 200, "reproduced": 9}, "unseen": NOTHING["unseen"]}
    assert named(checks(None, quiet, {}, said, SETTINGS)) == {"continuations"}
    said["unseen"] = {"unique": 200, "reproduced": 7}
    assert named(checks(None, quiet, {}, said, SETTINGS)) == set()
