"""A takedown and an added document cost only the shards they touch, and leave what a run from nothing gives."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import shutil

import pyarrow.parquet as pq
import pytest
from malmoi import documents, ledger
from malmoi.fingerprint import shard_of
from tools.workflow_copy import SMALL, WorkflowCopy, changed

pytestmark = pytest.mark.workflow

SHARDS = [f"{number:04d}" for number in range(3)]
TARGETS = [f"results/segments/{shard}.parquet" for shard in SHARDS]
STAGES = ("normalized", "filtered", "curated", "segments")


def run(workflow, config):
    """Run to the segments and return the jobs of each rule that ran, by shard where there is one."""
    done = workflow.snakemake("--cores", "2", *TARGETS, config=config)
    assert done.returncode == 0, done.stderr[-4000:]
    jobs = {}
    pattern = r"^(?:local)?(?:rule|checkpoint) (\w+):\n((?: +.*\n)+)"
    for rule, body in re.findall(pattern, done.stderr, re.MULTILINE):
        shard = re.search(r"wildcards: shard=(\d+)", body)
        jobs.setdefault(rule, set()).add(shard[1] if shard else "")
    return jobs


def contents(workflow):
    """Return the digests of all that was made, but for times and logs.

    What a cache holds is in the order in which it was found out, and no output depends on it.
    """
    aside = ("logs", "benchmarks", "cache")
    results = workflow.folder / "results"
    return {
        str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(results.rglob("*"))
        if path.is_file() and path.relative_to(results).parts[0] not in aside
    }


ADDED = (
    "원고는 {}번 토지를 매수하고 대금을 모두 냈으나 피고는 등기를 넘겨주지 않았다. "
    "피고는 매매계약이 해제되었다고 다투지만 해제의 뜻을 알린 서면이 제출되지 않았고 증인의 말도 엇갈린다. "
    "그렇다면 계약은 여전히 효력이 있고, 피고는 원고에게 소유권이전등기절차를 이행할 의무가 있다. "
    "청구를 받아들이고 비용은 패소한 쪽이 부담한다."
)


def added_document(shard):
    """Return a document, as JSON, that belongs to one shard."""
    texts = (ADDED.format(number) for number in itertools.count())
    ids = ((documents.document_id("legal", "judgment.jsonl", text), text) for text in texts)
    text = next(text for doc_id, text in ids if shard_of(doc_id, len(SHARDS)) == shard)
    return json.dumps({"text": text}, ensure_ascii=False)


def test_a_takedown_and_an_addition_touch_their_shards_alone(tmp_path):
    workflow = WorkflowCopy(tmp_path)
    workflow.generate(megabytes=0.15)
    config = changed(SMALL, "corpus.shards", len(SHARDS))
    config = changed(config, "corpus.takedown", "takedown.txt")
    list_path = workflow.folder / "takedown.txt"
    list_path.write_text("# nothing yet\n", encoding="utf-8")
    assert run(workflow, config)["segment"] == set(SHARDS)
    before = contents(workflow)

    # Ten documents of one shard go.
    path = workflow.folder / "results" / "curated" / f"{SHARDS[0]}.parquet"
    ids = pq.read_table(path, columns=["doc_id"])["doc_id"].to_pylist()[:10]
    assert len(ids) == 10
    list_path.write_text("".join(f"{doc_id}\n" for doc_id in ids), encoding="utf-8")
    jobs = run(workflow, config)
    touched = {SHARDS[0]}
    assert jobs.pop("find_duplicates") == {""}
    assert jobs == dict.fromkeys(("normalize", "filter", "split", "segment"), touched)
    after = contents(workflow)
    for stage in STAGES:
        for shard in SHARDS:
            name = f"{stage}/{shard}.parquet"
            assert (after[name] == before[name]) == (shard not in touched), name
    for path in (workflow.folder / "results").glob("[!i]*/0*.parquet"):
        assert not any(doc_id.encode() in path.read_bytes() for doc_id in ids), path
    rows = ledger.read(
        [workflow.folder / "results" / "ledger" / "normalize" / f"{s}.parquet" for s in SHARDS]
    ).to_pylist()
    assert {row["doc_id"] for row in rows if row["status"] == "takedown"} == set(ids)

    # A document comes to another, as one more line of a file.
    with (workflow.folder / "raw" / "legal" / "judgment.jsonl").open("a", encoding="utf-8") as file:
        file.write(added_document(shard=1) + "\n")
    jobs = run(workflow, config)
    assert jobs["normalize"] == jobs["filter"] == {SHARDS[1]}
    assert jobs["split"] == jobs["segment"] == {SHARDS[1]}

    # The same from nothing.
    changed_by_steps = contents(workflow)
    shutil.rmtree(workflow.folder / "results")
    shutil.rmtree(workflow.folder / ".snakemake")
    run(workflow, config)
    assert contents(workflow) == changed_by_steps

    # Fewer shards are not the first of many: every file is read again.
    fewer = workflow.plan(changed(config, "corpus.shards", 2), *TARGETS[:2])
    assert fewer["ingest"] == 2
    assert fewer["segment"] == 2


def test_a_raw_file_that_is_taken_down_is_not_read(tmp_path):
    workflow = WorkflowCopy(tmp_path)
    for domain in ("legal", "medical"):
        (workflow.folder / "raw" / domain).mkdir(parents=True)
        for name in ("one", "two"):
            path = workflow.folder / "raw" / domain / f"{name}.jsonl"
            path.write_text(json.dumps({"text": f"{domain} {name} 판결"}) + "\n", encoding="utf-8")
    (workflow.folder / "takedown.txt").write_text("legal:two.jsonl\n", encoding="utf-8")
    config = changed(SMALL, "corpus.takedown", "takedown.txt")
    target = "results/ingest/legal/0000/ledger.parquet"
    done = workflow.snakemake("--cores", "1", target, config=config)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = ledger.read([workflow.folder / target]).to_pylist()
    assert {row["raw_path"]: row["status"] for row in rows} == {
        "one.jsonl": "kept",
        "two.jsonl": "takedown",
    }
    # Nothing of the other source depends on it.
    done = workflow.snakemake(
        "--cores", "1", "results/ingest/medical/0000/ledger.parquet", config=config
    )
    (workflow.folder / "takedown.txt").write_text("", encoding="utf-8")
    plan = workflow.plan(config, "results/ingest/medical/0000/ledger.parquet", target)
    assert plan == {"ingest": 1}
