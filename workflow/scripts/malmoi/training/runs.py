"""Find the run that a changed plan comes from, and say what parts the two."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from malmoi.progress import LOG
from malmoi.training.checkpoint import complete_names, step_of
from malmoi.training.plan import Plan

#: Part of a plan that is the version of malmoi's own code.
CODE = "code"

#: Parts whose values say something to a person; of the others, which are sha256, only that they differ.
_PLAIN = ("pretrain.", "seed")


class EarlierRun(NamedTuple):
    """A run of the same model that left checkpoints in another folder.

    ``newest`` is the name of its newest checkpoint; ``differing`` names the parts of its plan that are not
    those of the plan at hand, and ``differences`` describes them, with both values of settings.
    """

    folder: Path
    newest: str
    differing: frozenset[str]
    differences: list[str]


def earlier_runs(plan: Plan) -> list[EarlierRun]:
    """Return the runs beside a plan's folder that made the same model, those that differ least first.

    Of runs that differ in as many parts the one that came furthest is first.
    """
    own = Path(plan.checkpoints)
    runs = []
    for path in own.parent.glob("*/plan.json"):
        try:
            other = json.loads(path.read_text(encoding="utf-8"))
            same_model, parts = other["model_output"] == plan.model_output, dict(other["parts"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # of another version of malmoi, or cut short; nothing depends on it
        names = complete_names(path.parent)
        if path.parent == own or not same_model or not names:
            continue
        differing = frozenset(
            name
            for name in parts.keys() | plan.parts.keys()
            if name not in parts or name not in plan.parts or parts[name] != plan.parts[name]
        )
        differences = [
            text
            for name in sorted(differing)
            for text in _differences(name, parts.get(name), plan.parts.get(name))
        ]
        runs.append(EarlierRun(path.parent, names[-1], differing, differences))
    return sorted(runs, key=lambda run: (len(run.differing), -step_of(run.newest), run.folder))


def with_checkpoints(plan: Plan) -> Plan:
    """Return the plan with the checkpoint folder that its run goes on in.

    That is its own one. Where this has no checkpoint yet, it is that of an earlier run from which at most the
    code differs, if ``pretrain.runtime.accept_code`` allows it; of another earlier run the log says why its
    checkpoints are of no use.
    """
    if complete_names(Path(plan.checkpoints)):
        return plan
    found = earlier_runs(plan)
    if not found:
        return plan
    run = found[0]
    if not run.differing or (run.differing == {CODE} and plan.settings["runtime"]["accept_code"]):
        LOG.warning(
            "going on from %s of %s, which another version of malmoi made: pretrain.runtime.accept_code",
            run.newest,
            run.folder,
        )
        return replace(plan, checkpoints=str(run.folder))
    cure = (
        "set pretrain.runtime.accept_code: true to go on from it"
        if run.differing == {CODE}
        else "set these back to go on from it"
    )
    LOG.warning(
        "training begins anew in %s: the nearest earlier run, %s (%s), differs: %s. Stop this run and %s, or "
        "delete that folder when you need it no more",
        *(plan.checkpoints, run.folder, run.newest, "; ".join(run.differences), cure),
    )
    return plan


def _differences(name: str, there: Any, here: Any) -> Iterator[str]:
    """Yield a line per value that differs, down to the entries of lists and mappings."""
    if not name.startswith(_PLAIN) or name == "pretrain.init":
        yield f"{name} differ" if name.startswith("instances") else f"{name} differs"
    elif isinstance(there, dict) and isinstance(here, dict):
        for key in sorted(there.keys() | here.keys()):
            if there.get(key) != here.get(key):
                yield from _differences(f"{name}.{key}", there.get(key), here.get(key))
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for number, values in enumerate(zip(there, here, strict=True)):
            if values[0] != values[1]:
                yield from _differences(f"{name}[{number}]", *values)
    else:
        yield f"{name}: {_shown(there)} there, {_shown(here)} here"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
