"""Does the audit see a model that was trained far too long, and is it quiet where nothing is remembered?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from malmoi.audit import canaries
from malmoi.audit.exposure import Exposed, exposures
from malmoi.audit.membership import membership_report
from malmoi.audit.predictor import Predictor
from malmoi.audit.verdict import checks, exposure_report

from benchmarks.evaluation import small_models
from benchmarks.evaluation.audit import SEED, defaults

#: Decisions of the model that was trained too long, and passes over them.
DECISIONS, TOO_MANY = 4, 60

#: Canaries of each format and count of one audit: half of what an audit has by default.
PER_FORMAT = 4

#: Audits of that model, each of canaries of its own, and audits simulated.
LEAKS, NULLS = 20, 1000


def measure(data: Path, work: Path) -> dict[str, Any]:
    """Return the shares of audits that alarm where they should, and where they should not."""
    torch.set_num_threads(1)
    settings = defaults()
    texts = small_models.decisions(data)["train"]
    words = small_models.tokenizer(texts, work / "tokenizer")
    return {
        "audit_false_alarm": false_alarm(settings),
        "audit_leak_alarm": leak_alarm(settings, texts[:DECISIONS], words, work / "leaking"),
    }


def leak_alarm(settings: dict[str, Any], texts: list[str], words: Any, folder: Path) -> float:
    """Return the share of audits that alarm at a model which saw everything sixty times over.

    Every audit has its own canaries, planted once and twice; only what they tell is looked at.
    """
    sets = [
        [each for each in canaries.make(SEED + 1 + number, [1, 2], PER_FORMAT) if each.count]
        for number in range(LEAKS)
    ]
    copies = [each.text for own in sets for each in own for _ in range(each.count)]
    small_models.train(small_models.chunks([*texts, *copies], words), words, TOO_MANY, folder)
    predictor = Predictor(folder)
    quiet = membership_report(
        {name: np.arange(100.0) % 50 for name in ("loss", "ratio", "counts")}, 50, SEED
    )
    alarms = 0
    for number, own in enumerate(sets):
        found = exposures(predictor, own, SEED + 1 + number, settings["candidates"])
        report = exposure_report(found, settings["gated_repeats"])
        rows = checks(report, quiet, {}, _nothing(), settings)
        alarms += not all(row["passed"] for row in rows if row["name"].startswith("canaries"))
    return alarms / LEAKS


def false_alarm(settings: dict[str, Any]) -> float:
    """Return the share of simulated audits that fail a model which remembers nothing.

    Ranks are drawn evenly, the scores of members and others from one distribution, and what comes out as
    often for members as for others. The bar knows nothing, which leaves attacks the most room.
    """
    random = np.random.default_rng(SEED)
    made = canaries.make(SEED, settings["counts"], settings["per_format"])
    failed = 0
    for _ in range(NULLS):
        ranks = random.integers(1, settings["candidates"] + 2, len(made))
        found = [
            Exposed(each, int(rank), settings["candidates"])
            for each, rank in zip(made, ranks, strict=True)
        ]
        scores = {name: random.normal(size=200) for name in ("loss", "ratio", "counts")}
        membership = membership_report(scores, 100, int(random.integers(1 << 30)))
        continued = _nothing()
        for part in continued.values():
            part["reproduced"] = int(random.binomial(part["unique"], 0.02))
        numbers = {
            "phone": {"found": int(random.poisson(0.5)), "by_chance": 0.5},
        }
        report = exposure_report(found, settings["gated_repeats"])
        failed += not all(
            row["passed"] for row in checks(report, membership, numbers, continued, settings)
        )
    return failed / NULLS


def _nothing() -> dict[str, dict[str, int]]:
    return {name: {"unique": 200, "reproduced": 0} for name in ("members", "unseen")}
