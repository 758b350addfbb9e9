"""What a change of each setting reruns: one case for every leaf of the configuration's schema.

The schema says beside each setting, as ``x-reruns``, which rules rerun first. A case changes the setting, plans
the workflow, and compares: of the planned jobs those that follow no other planned one must be of just these
rules, and besides them just what follows from them must be planned.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from malmoi.configcheck import leaves
from tools.workflow_copy import REPO, SMALL, WorkflowCopy, changed

SCHEMA: dict[str, Any] = yaml.safe_load(
    (REPO / "workflow" / "schemas" / "config.schema.yaml").read_text(encoding="utf-8")
)

#: What a run is asked for: all of it, and what is made only where it is asked for.
TARGETS = ("all", "results/dictionary/proposed.csv", "results/vocabulary/frontier.csv")

COMMIT, OTHER_COMMIT = (sha256(name).hexdigest()[:40] for name in (b"one", b"other"))


def _source(name: str, **settings: Any) -> dict[str, Any]:
    return {"name": name, "domain": "legal", "license": "MIT", **settings}


_FIELDS = {name: name for name in ("text", "title", "date", "kind", "group")}

#: A configuration in which every setting counts for something: sources and encoders of all kinds, planted
#: canaries, tasks of labels and of files, an experiment of its own vocabulary, and repositories for all.
FULL: dict[str, Any] = {
    **SMALL,
    "corpus": {
        "shards": 2,
        "takedown": "takedown/none.txt",
        "sources": [
            _source("near", path="raw/near", pattern="*.jsonl", fields=_FIELDS),
            _source("far", url="https://host.example/a.csv", sha256="0" * 64),
            _source("hub", dataset="someone/texts", revision=COMMIT, files=["a.csv"]),
        ],
    },
    "curate": {
        "decontaminate": {"sets": [{"name": "set", "path": "sets/one.csv", "fields": ["text"]}]}
    },
    "segment": {"dictionaries": ["words/one.txt"]},
    "instances": {
        "phases": [
            {"name": "l64", "max_seq_length": 64},
            {"name": "l128", "max_seq_length": 128},
        ],
    },
    "pretrain": {
        "model": {
            **{"layers": 1, "hidden_size": 16, "heads": 2, "intermediate_size": 64},
            **{"dropout": 0.1, "architecture": "bert"},
        },
        "max_position_embeddings": 256,
        "phases": [
            {"name": "l64", "steps": 4, "batch_size": 8, "micro_batch_size": 8},
            {"name": "l128", "epochs": 1, "batch_tokens": 1024, "micro_batch_size": 4},
        ],
        "runtime": {"ranks": 2, "zero_stage": 0},
    },
    "evaluate": {
        "audit": {"canaries": True},
        "tasks": [
            {"name": "kinds", "label": "kind"},
            {
                **{"name": "files", "kind": "classification", "columns": {}},
                **{name: f"sets/{name}.csv" for name in ("train", "validation", "test")},
            },
        ],
        "baselines": [{"name": "other", "model": "someone/encoder", "revision": COMMIT}],
    },
    "publish": {
        **{"license": "mit", "repo_id": "me/model-{experiment}"},
        **{"tokenizer_repo_id": "me/words", "dataset_repo_id": "me/text"},
        "dataset_licences": ["MIT"],
    },
    "experiments": {
        "demo": {},
        "kept": {
            "vocabulary": {"tokenizer": {"model": "someone/bert", "revision": COMMIT}},
            "pretrain": {"init": {"model": "someone/bert", "revision": COMMIT}},
            # The folders of an experiment's own instances are named by them, and held-out ones with them.
            "instances": {"share": 1, "masking": {"when": "static"}},
        },
    },
}

#: Files a setting may name, with their text where it counts.
FILES = {
    **{f"raw/{folder}/one.jsonl": "" for folder in ("near", "nearby")},
    "raw/near/two.json": "",
    **{f"sets/{name}.csv": "" for name in ("one", "two", "train", "validation", "test")},
    **{f"words/{name}.txt": "" for name in ("one", "two")},
    "takedown/none.txt": "",
    "takedown/file.txt": "near:one.jsonl\n",
    "takedown/document.txt": f"{'0' * 32}\n",
    **{f"kept/{name}": "{}" for name in ("vocab.txt", "config.json", "model.safetensors")},
}

Config = dict[str, Any]


def _with(path: str, value: Any, *more: tuple[str, Any]) -> Callable[[Config], Config]:
    """Return a change of a setting at this place, with those of others that must go with it."""

    def change(config: Config) -> Config:
        for where, what in ((path, value), *more):
            config = changed(config, where, what)
        return config

    return change


#: Other values of settings whose type does not give one that is allowed and says something; several where what
#: reruns depends on the value.
VALUES: dict[str, list[Any]] = {
    "corpus.takedown": ["takedown/file.txt", "takedown/document.txt"],
    "corpus.sources[].path": ["raw/nearby"],
    "corpus.sources[].url": ["https://host.example/b.csv"],
    "corpus.sources[].sha256": ["1" * 64],
    "corpus.sources[].revision": [OTHER_COMMIT],
    "corpus.sources[].dataset": ["someone/others"],
    "corpus.sources[].files": [["a.csv", "b.csv"]],
    # Takes another file.
    "corpus.sources[].pattern": ["*"],
    "corpus.sources[].batches": [5],
    "curate.decontaminate.sets[].fields": [["text", "title"]],
    "curate.decontaminate.sets[].identifiers": [{"group": "text"}],
    "curate.decontaminate.sets[].path": ["sets/two.csv"],
    "segment.dictionaries": [["words/one.txt", "words/two.txt"]],
    "segment.input": [_with("segment.input", "segmented", ("evaluate.audit.canaries", False))],
    "vocabulary.tokenizer": [
        {"model": "kept"},
        _with(
            *("experiments.kept.vocabulary.tokenizer", None),
            ("experiments.kept.vocabulary.size", 4096),
        ),
    ],
    "vocabulary.tokenizer.model": ["someone/other"],
    "vocabulary.tokenizer.revision": [OTHER_COMMIT],
    "vocabulary.compare": [["kept"]],
    "instances.phases[].name": [
        _with("instances.phases[0].name", "l65", ("pretrain.phases[0].name", "l65"))
    ],
    "instances.share": [_with("instances.share", 0.5)],
    "instances.masking.when": [_with("instances.masking.when", "dynamic")],
    "instances.pairs.kind": [
        _with("instances.pairs.kind", "none", ("pretrain.objective", "mlm")),
    ],
    "instances.masking.final_rate": [
        _with("instances.masking.final_rate", 0.3, ("instances.masking.when", "dynamic"))
    ],
    "pretrain.model": ["tiny"],
    "pretrain.model.hidden_size": [32],
    "pretrain.model.heads": [4],
    "pretrain.model.architecture": [
        _with("pretrain.model.architecture", "modernbert", ("pretrain.objective", "mlm"))
    ],
    "pretrain.init": [None, {"model": "kept"}],
    "pretrain.init.model": ["someone/other"],
    "pretrain.init.revision": [OTHER_COMMIT],
    "pretrain.phases[].name": [
        _with("pretrain.phases[0].name", "l128", ("pretrain.phases[1].name", "l64"))
    ],
    "pretrain.objective": ["mlm"],
    "evaluate.audit.counts": [[1, 4]],
    **{f"evaluate.tasks[].{name}": ["sets/two.csv"] for name in ("train", "validation", "test")},
    "evaluate.baselines[].model": ["someone/other"],
    "evaluate.baselines[].revision": [OTHER_COMMIT],
    "publish.repo_id": ["you/model-{experiment}"],
    "publish.tokenizer_repo_id": ["you/words", ""],
    "publish.dataset_repo_id": ["you/text", ""],
    "publish.override_gates": [["loads"]],
    "experiments": [_with("experiments.hot", {"pretrain": {"learning_rate": 0.001}})],
}


@dataclass(frozen=True)
class Row:
    """A setting, the rules its change reruns first, and what is wrong with the plan ("": nothing)."""

    leaf: str
    rules: tuple[str, ...]
    wrong: str


def measure(folder: Path) -> list[Row]:
    """Change every setting of a workflow that is made in an empty folder, and compare what is planned.

    Nothing is run but the jobs' order: each output is an empty file, so that the plans depend on settings,
    rules and Snakemake's records alone.
    """
    workflow = _workflow(folder)
    found: dict[str, list[Graph]] = {leaf: [] for leaf, _, _ in leaves(SCHEMA)}
    # Planting begins elsewhere than leaving off.
    canaries = "evaluate.audit.canaries"
    _finish(workflow, changed(FULL, canaries, False))
    found[canaries] = plans(workflow, [FULL])
    _finish(workflow, FULL)
    cases = [(leaf, config) for leaf, value, _ in leaves(SCHEMA) for config in changes(leaf, value)]
    unchanged, *graphs = plans(workflow, [FULL, *(config for _, config in cases)])
    assert not unchanged.planned and not unchanged.error, unchanged
    for (leaf, _), graph in zip(cases, graphs, strict=True):
        found[leaf].append(graph)
    return [
        Row(leaf, tuple(value.get("x-reruns", ())), compare(value.get("x-reruns"), found[leaf]))
        for leaf, value, _ in leaves(SCHEMA)
    ]


def _workflow(folder: Path) -> WorkflowCopy:
    """Return a workflow whose jobs make empty outputs."""
    workflow = WorkflowCopy(folder)
    for path in (folder / "workflow" / "rules").glob("*.smk"):
        text = re.sub(r"script:\n +\S+", f"shell:\n        {TOUCH!r}", path.read_text("utf-8"))
        path.write_text(text, encoding="utf-8")
    # Snakemake reads JSON a hundred times as fast, and reads it for each plan.
    path = folder / "workflow" / "schemas" / "config.schema.yaml"
    path.write_text(json.dumps(SCHEMA), encoding="utf-8")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return workflow


def _finish(workflow: WorkflowCopy, config: Config) -> None:
    run = workflow.snakemake("--cores", "1", *TARGETS, config=config)
    assert run.returncode == 0, run.stderr[-4000:]


#: A folder is an output whose name has no ending.
TOUCH = (
    'for file in {output:q}; do case "${{file##*/}}" in '
    '*.*) touch "$file";; *) mkdir -p "$file" && touch "$file/config.json";; esac; done'
)


@dataclass(frozen=True)
class Graph:
    """The jobs of a workflow by number: rules, those planned, and edges to the jobs that read."""

    rules: Mapping[int, str]
    planned: frozenset[int]
    edges: tuple[tuple[int, int], ...]
    error: str = ""

    def first(self) -> set[int]:
        """Return the planned jobs that read from no planned one."""
        return set(self.planned) - {b for a, b in self.edges if a in self.planned}

    def after(self, jobs: set[int]) -> set[int]:
        """Return jobs and all that follow from them."""
        found: set[int] = set()
        waiting = [*jobs]
        while waiting:
            job = waiting.pop()
            if job not in found:
                found.add(job)
                waiting += [b for a, b in self.edges if a == job]
        return found

    def names(self, jobs: set[int] | frozenset[int]) -> set[str]:
        """Return the rules of jobs."""
        return {self.rules[job] for job in jobs}


def plans(workflow: WorkflowCopy, configs: list[Config]) -> list[Graph]:
    """Return what is planned with each configuration."""
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("many_plans.py")), *TARGETS],
        cwd=workflow.folder,
        input="".join(json.dumps(config) + "\n" for config in configs),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [_graph(json.loads(line)) for line in run.stdout.splitlines()]


def _graph(printed: Mapping[str, str]) -> Graph:
    if "error" in printed:
        return Graph({}, frozenset(), (), printed["error"])
    text = printed["graph"]
    nodes = re.findall(r'(\d+)\[label = "(\w+).*style="(rounded|rounded,dashed)"', text)
    rules = {int(job): rule for job, rule, _ in nodes if rule != "all"}
    edges = [(int(a), int(b)) for a, b in re.findall(r"(\d+) -> (\d+)", text)]
    return Graph(
        rules,
        frozenset(int(job) for job, _, style in nodes if style == "rounded") & rules.keys(),
        tuple((a, b) for a, b in edges if b in rules),
    )


def compare(wanted: list[str] | None, graphs: list[Graph]) -> str:
    """Say what is wrong with what changes of one setting plan; nothing is ""."""
    if wanted is None:
        return "the schema has no x-reruns"
    if not graphs:
        return "no other value is known"
    first: set[str] = set()
    for graph in graphs:
        if graph.error:
            return graph.error
        first |= graph.names(graph.first())
        missing = graph.after(graph.first()) - graph.planned
        if missing:
            return f"left out though it follows: {sorted(graph.names(missing))}"
    return "" if first == set(wanted) else f"reruns first: {sorted(first)}, not {sorted(wanted)}"


def changes(leaf: str, schema: Mapping[str, Any]) -> Iterator[Config]:
    """Yield the full configuration with other values of one setting."""
    where, old = _locate(leaf, schema)
    for value in VALUES.get(leaf) or _others(schema, old):
        config = value(FULL) if callable(value) else changed(FULL, where, value)
        assert config != FULL, leaf
        yield config


def _locate(leaf: str, schema: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the place of a setting in the full configuration, and its value there or its default.

    Of the items of a list the first that has the setting counts; an experiment may have it as its own.
    """
    for prefix, root in (("experiments.kept.", FULL["experiments"]["kept"]), ("", FULL)):
        for where, target in _containers(root, leaf):
            name = leaf.rpartition(".")[2]
            if name in target:
                return f"{prefix}{where}", target[name]
    return leaf.replace("[]", "[0]"), schema.get("default")


def _containers(root: Any, leaf: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    head, dot, rest = leaf.partition(".")
    if not dot:
        yield head, root
    elif head.endswith("[]"):
        for number, item in enumerate(root.get(head[:-2], ())):
            for where, target in _containers(item, rest):
                yield f"{head[:-2]}[{number}].{where}", target
    elif isinstance(root.get(head), Mapping):
        for where, target in _containers(root[head], rest):
            yield f"{head}.{where}", target


def _others(schema: Mapping[str, Any], old: Any) -> Iterator[Any]:
    """Yield one value that a setting may have besides the old one, if its type gives one."""
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "enum" in schema:
        yield next(value for value in schema["enum"] if value != old)
    elif "boolean" in kinds:
        yield not old
    elif "integer" in kinds or "number" in kinds:
        yield _number(schema, old, "integer" in kinds)
    elif "array" in kinds:
        items = schema.get("items", {})
        if old and len(old) > schema.get("minItems", 0) and len(old) > 1:
            yield old[:-1]
        elif "minItems" in schema and old:
            yield [_number(items, value, False) for value in old]
        else:
            yield [*(old or ()), "another"]
    elif "string" in kinds:
        yield f"{old or ''}other"


def _number(schema: Mapping[str, Any], old: float | None, whole: bool) -> float:
    """Return a number near the old one within a schema's limits."""
    step = schema.get("multipleOf", 1)
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    high = schema.get("maximum", schema.get("exclusiveMaximum", float("inf")))
    if whole:
        start = low if old is None else old
        return start + step if start + step <= high else start - step
    if old is None:
        return low + 1 if low + 1 < high else (low + high) / 2
    return old * 1.5 if 0 < old * 1.5 < high else (low + old) / 2 if old > low else (old + high) / 2
