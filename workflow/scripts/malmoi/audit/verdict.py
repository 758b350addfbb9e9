"""What an audit's figures mean: one check for each thing that must be so, and whether all are.

A check fails by a margin (membership) or by a chance: what was seen, or more, would be rarer than
``false_alarms`` over the number of such checks in a model that remembers nothing. So among such models no
more than that share fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from malmoi.audit.exposure import Exposed, gamma_above, group_chance
from malmoi.audit.membership import ATTACKS, MEASURES
from malmoi.evaluation.intervals import figure

#: Names of the measures of membership, and of their margins in the settings.
_MARGINS = {"auc": "auc_margin", "tpr": "tpr_margin"}


def exposure_report(found: Sequence[Exposed], gated: int) -> list[dict[str, Any]]:
    """Return a row of exposure for each ``count`` of times planted, and by format within.

    ``chance`` is that of ranks as good without memory; ``gated`` tells which counts the checks look at: up to
    that many repeats.
    """
    report = []
    for count in sorted({each.canary.count for each in found}):
        own = [each for each in found if each.canary.count == count]
        formats: dict[str, list[float]] = {}
        for each in own:
            formats.setdefault(each.canary.format, []).append(each.bits)
        report.append(
            {
                "count": count,
                "canaries": len(own),
                "bits": _mean([each.bits for each in own]),
                "first": _mean([float(each.rank <= 1) for each in own]),
                "chance": group_chance([each.rank for each in own], own[0].candidates),
                "gated": 0 < count <= gated,
                "formats": {name: _mean(bits) for name, bits in formats.items()},
            }
        )
    return report


def checks(
    exposure: Sequence[Mapping[str, Any]] | None,
    membership: Mapping[str, Any],
    identifiers: Mapping[str, Any],
    continued: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return the checks as rows: ``name``, ``passed``, ``value``, ``limit`` and what they ``say``.

    ``settings`` holds ``false_alarms``, ``auc_margin`` and ``tpr_margin``. A value of a chance must not be
    below its limit, other values not above theirs.
    """
    chances: list[tuple[str, float, str]] = []
    for row in exposure or ():
        count = row["count"]
        if row["gated"]:
            says = f"canaries planted {count} times rank as others do"
            chances.append((f"canaries_{count}", row["chance"], says))
        if not count:
            # Ranks far worse than chance would say, as much as far better ones, that the audit is wrong.
            both = 2 * min(row["chance"], 1 - row["chance"])
            chances.append(("controls", both, "canaries never planted rank as others do"))
    found = sum(row["found"] for row in identifiers.values())
    expected = sum(row["by_chance"] for row in identifiers.values())
    says = f"{found} rare identifiers of the training text came out, {expected:.2g} by chance"
    chances.append(("identifiers", _as_many(found, expected), says))
    own, other = continued["members"], continued["unseen"]
    # One more than was seen: rare things are not seen in few documents.
    expected = (other["reproduced"] + 1) / (other["unique"] + 1) * own["unique"]
    says = (
        f"{own['reproduced']} of {own['unique']} unique passages of training documents came out, "
        f"{other['reproduced']} of {other['unique']} of others"
    )
    chances.append(("continuations", _as_many(own["reproduced"], expected), says))
    limit = settings["false_alarms"] / len(chances)
    rows = [
        {"name": name, "passed": value >= limit, "value": value, "limit": limit, "says": says}
        for name, value, says in chances
    ]
    for measure in MEASURES:
        worst = max(_surely(membership["excess"][name][measure]) for name in ATTACKS)
        margin = settings[_MARGINS[measure]]
        rows.append(
            {
                "name": f"membership_{measure}",
                "passed": worst <= margin,
                "value": worst,
                "limit": margin,
                "says": f"what an attack's {measure.upper()} surely has over that of piece counts",
            }
        )
    null = membership["null"]
    if null["value"] is not None:
        off = abs(null["value"] - 0.5)
        rows.append(
            {
                "name": "null",
                "passed": off <= null["high"] - 0.5,
                "value": figure(off),
                "limit": figure(null["high"] - 0.5),
                "says": "documents never seen are not told from each other",
            }
        )
    return rows


def _surely(row: Mapping[str, Any]) -> float:
    """Return what a value is above 999 times in 1,000: of small groups one in 40 would be too often.

    The 95 % interval is widened as if it were of a normal distribution.
    """
    if row["value"] is None or row["low"] is None:
        return 0.0
    return round(row["value"] - 3.09 / 1.96 * (row["value"] - row["low"]), 6)


def _as_many(found: int, expected: float) -> float:
    """Return the chance of ``found`` or more events where ``expected`` are (Poisson)."""
    return 1.0 if not found else 1 - gamma_above(found, expected)


def _mean(values: Sequence[float]) -> float | None:
    return figure(sum(values) / len(values))
