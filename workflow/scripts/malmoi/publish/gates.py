"""Gates: what must be true of a package before anyone may publish it, each with its evidence.

Evidence names counts, documents and lines but never repeats corpus text or a suspected personal datum,
since it is published with the package.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from malmoi import fingerprint
from malmoi.errors import InputError
from malmoi.progress import LOG, track
from malmoi.publish import load_alone
from malmoi.publish.measures import read_json

NAMES = (
    *("loads", "tokenizer_parity", "licences", "takedown"),
    *("memorisation", "personal_data"),
)

#: Suspected places that evidence lists; of a data set there could be millions.
SHOWN = 20

#: Seconds the loading program may take.
LOADING_LIMIT = 900

#: What the loading program inherits: enough to start Python and find its shared libraries, no token.
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")

#: Neither a longer number, a word, nor a decimal fraction may surround a match.
_EDGES = (r"(?<![0-9A-Za-z.,])", r"(?![0-9A-Za-z])")

PERSONAL_DATA: dict[str, re.Pattern[str]] = {
    name: re.compile(_EDGES[0] + pattern + _EDGES[1])
    for name, pattern in {
        "resident number": r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ -]?[1-8]\d{6}",
        "phone number": r"(?:\+82[ -]?1|01)[016789][ -]?\d{3,4}[ -]?\d{4}",
        "landline number": r"(?:02|0[3-6][1-9]|070)[-)]\d{3,4}-\d{4}",
        "e-mail address": r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}",
    }.items()
}


@dataclass(frozen=True)
class Gate:
    """The outcome of one gate; ``evidence`` is JSON-like, ``problem`` says in a line what failed."""

    name: str
    passed: bool
    evidence: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def loads(folder: Path) -> Gate:
    """Load the package in a fresh, isolated Python with plain transformers, offline, without malmoi."""
    with tempfile.TemporaryDirectory() as home:
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        isolated = {
            **kept,
            "HOME": home,
            "HF_HOME": home,
            "HF_HUB_OFFLINE": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "DISABLE_SAFETENSORS_CONVERSION": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-I", load_alone.__file__, str(folder.resolve())]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                cwd=home,
                env=isolated,
                timeout=LOADING_LIMIT,
            )
        except subprocess.TimeoutExpired:
            return Gate("loads", False, {}, f"loading took more than {LOADING_LIMIT} s")
    if done.returncode:
        LOG.error("loading the package failed:\n%s", done.stderr)
        last = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
        return Gate("loads", False, {"error": last.replace(str(folder.resolve()), ".")}, last)
    evidence = json.loads(done.stdout.splitlines()[-1])
    problems = [
        f"{len(evidence[kind])} {kind.replace('_', ' ')} (first: {evidence[kind][0]})"
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
        if evidence[kind]
    ]
    if not evidence["finite_outputs"]:
        problems.append("outputs are not finite")
    if evidence["vocabulary"]["tokenizer"] > evidence["vocabulary"]["model"]:
        problems.append("the tokenizer has more pieces than the model has embeddings")
    return Gate("loads", not problems, evidence, "; ".join(problems))


def tokenizer_parity(
    folder: Path, segments: Sequence[Path], tokens: Sequence[Path], documents: int
) -> Gate:
    """Compare the packaged tokenizer's ids with those the model was trained on, document by document.

    The first documents of every shard are taken, about ``documents`` in all; documents lie in shards in
    the order of their hash, so this is a random sample that stays the same. Each is tokenized whole,
    without special tokens or truncation.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    texts_of = {path.stem: path for path in segments}
    shares = -(-documents // max(1, len(tokens)))
    compared, pieces, absent, differing = 0, 0, [], []
    for shard in track(sorted(tokens), "tokenizer parity", len(tokens), "shards"):
        expected = _first_ids(shard, shares)
        texts = _texts(texts_of[shard.stem], set(expected)) if shard.stem in texts_of else {}
        for doc_id, ids in expected.items():
            if doc_id not in texts:
                absent.append(doc_id)
                continue
            given = tokenizer(
                texts[doc_id], add_special_tokens=False, truncation=False, verbose=False
            )["input_ids"]
            compared += 1
            pieces += len(ids)
            if given != ids:
                at = next(
                    (n for n, (a, b) in enumerate(zip(given, ids, strict=False)) if a != b),
                    min(len(given), len(ids)),
                )
                differing.append({"doc_id": doc_id, "token": at})
    evidence = {
        "documents": compared,
        "tokens": pieces,
        "documents_differing": len(differing),
        "documents_without_text": len(absent),
        "first_differing": differing[:5],
        "first_without_text": absent[:5],
    }
    problem = ""
    if differing:
        first = differing[0]
        problem = (
            f"{len(differing)} of {compared} documents get other ids than their shard holds, the first "
            f"{first['doc_id']} from token {first['token']}; the tokenizer changed after tokenizing"
        )
    elif absent:
        problem = (
            f"{len(absent)} tokenized documents are in no segments shard, the first {absent[0]}"
        )
    elif not compared:
        problem = "the token shards hold no document to compare"
    return Gate("tokenizer_parity", not problem, evidence, problem)


def _first_ids(shard: Path, count: int) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    with pa.memory_map(str(shard)) as file:
        reader = pa.ipc.open_file(file)
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number).slice(0, count - len(found))
            ids = batch.column("input_ids").to_pylist()
            found.update(zip(batch.column("doc_id").to_pylist(), ids, strict=True))
            if len(found) >= count:
                break
    return found


def _texts(shard: Path, wanted: set[str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for batch in pq.ParquetFile(shard).iter_batches(batch_size=64, columns=["doc_id", "text"]):
        for doc_id, text in zip(batch["doc_id"].to_pylist(), batch["text"], strict=True):
            if doc_id in wanted:
                texts[doc_id] = text.as_py()
        if len(texts) == len(wanted):
            break
    return texts


def licences(sources: Sequence[Mapping[str, Any]], present: Iterable[str], own: str | None) -> Gate:
    """Check that each configured source, and each one ``present`` in the shards, names its licence.

    ``own`` is the licence the package itself is to be published under.
    """
    stated = {str(source["name"]): str(source.get("license") or "") for source in sources}
    without = sorted(name for name in {*stated, *present} if not stated.get(name, "").strip())
    problems = [f"source {name} has no licence (set corpus.sources.license)" for name in without]
    if not own:
        problems.append("the package has no licence (set publish.license)")
    return Gate("licences", not problems, {"sources": stated, "package": own}, "; ".join(problems))


def takedown(listed: Mapping[str, Any], documents: Iterable[str], ledger: Path) -> Gate:
    """Check that none of ``documents`` (ids) is listed, by its id or by the raw file it came from.

    ``listed`` has ids as ``documents``, and by source the paths of raw files and archives as ``files``.
    ``ledger`` (Parquet, of the whole run) says which documents ingest made of a raw file or archive.
    """
    gone = {*listed["documents"], *_made_of(listed["files"], ledger)}
    checked, found = 0, []
    for doc_id in documents:
        checked += 1
        if doc_id in gone:
            found.append(doc_id)
    evidence = {
        "listed": len(listed["documents"]) + sum(map(len, listed["files"].values())),
        "documents": checked,
        "found": found[:SHOWN],
    }
    problem = ""
    if found:
        problem = (
            f"{len(found)} documents are on the takedown list, the first {found[0]}; run the workflow "
            "again, so that all that was made of them is made anew"
        )
    return Gate("takedown", not problem, evidence, problem)


def _made_of(files: Mapping[str, Collection[str]], ledger: Path) -> set[str]:
    if not files:
        return set()
    rows = pq.read_table(
        ledger,
        columns=["source", "raw_path", "doc_id"],
        filters=[("stage", "==", "ingest"), ("source", "in", sorted(files))],
    )
    # A listed archive takes its members along, which are named archive!member.
    listed = {source: tuple(f"{path}!" for path in paths) for source, paths in files.items()}
    return {
        row["doc_id"]
        for row in rows.to_pylist()
        if row["doc_id"] and f"{row['raw_path']}!".startswith(listed[row["source"]])
    }


def memorisation(folder: Path, audit: Path) -> Gate:
    """Check that the model in ``folder`` is the one that was audited, and that nothing was found.

    ``audit`` is the audit's JSON file, with its ``checks`` and, as ``model``, the hash of the weights.
    """
    if not audit.is_file():
        return Gate("memorisation", False, {}, f"{audit} does not exist; run the rule audit")
    content = read_json(audit)
    if not isinstance(content, Mapping) or content.get("kind") != "audit":
        return Gate("memorisation", False, {}, f"{audit} is no audit; run the rule audit again")
    if content["model"] != fingerprint.of_weights(folder):
        return Gate(
            "memorisation", False, {}, f"{audit} is of another model; run the rule audit again"
        )
    evidence = {name: content[name] for name in ("checks", "exposure", "identifiers")}
    failed = [row for row in content["checks"] if not row["passed"]]
    problem = "; ".join(f"{row['name']}: not so: {row['says']}" for row in failed)
    return Gate("memorisation", not failed, evidence, problem)


def personal_data(files: Mapping[str, Iterable[str]]) -> Gate:
    """Look for resident numbers, phone numbers and e-mail addresses in ``files``: lines by name of the file.

    Of a data set's file a line is the text of a row.
    """
    count, found = 0, []
    for name, lines in files.items():
        for number, line in enumerate(lines, start=1):
            for kind, pattern in PERSONAL_DATA.items():
                if pattern.search(line):
                    count += 1
                    if len(found) < SHOWN:
                        found.append({"file": name, "line": number, "kind": kind})
    problem = ""
    if found:
        first = found[0]
        problem = (
            f"{count} lines look like personal data, the first a {first['kind']} at line "
            f"{first['line']} of {first['file']}"
        )
    return Gate("personal_data", not found, {"files": list(files), "found": found}, problem)


def decide(results: Sequence[Gate], overridden: Sequence[str]) -> list[dict[str, Any]]:
    """Return the gates as JSON-like rows, ``overridden`` where the config lets a failed one pass.

    Raises:
        InputError: a gate failed and is not overridden, or an override names no gate.
    """
    for name in overridden:
        if name not in NAMES:
            raise InputError(
                f"publish.override_gates names {name!r}, which is no gate; there are {', '.join(NAMES)}"
            )
    for gate in results:
        LOG.info("gate %s: %s %s", gate.name, "passed" if gate.passed else "failed", gate.problem)
    failed = [gate for gate in results if not gate.passed and gate.name not in overridden]
    for gate in failed:
        evidence = json.dumps(gate.evidence, ensure_ascii=False, sort_keys=True)
        LOG.error("gate %s, evidence: %s", gate.name, evidence)
    if failed:
        said = " | ".join(f"{gate.name}: {gate.problem}" for gate in failed)
        raise InputError(
            f"no package, since a gate failed: {said}. The package log holds the evidence; to publish "
            "all the same, name the gate in publish.override_gates, which the card will say"
        )
    return [
        {
            "name": gate.name,
            "passed": gate.passed,
            "overridden": not gate.passed,
            "problem": gate.problem,
            "evidence": gate.evidence,
        }
        for gate in results
    ]
