"""Publishing as the workflow does it, to a Hub of our own: what goes up, and that the token stays at home."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from malmoi import ledger
from malmoi.atomic import write_parquet, write_text
from tools.hub_publisher import make_package
from tools.hub_server import HubServer
from tools.workflow_copy import SMALL, WorkflowCopy, changed
from transformers import BertTokenizerFast

pytestmark = pytest.mark.workflow

TOKEN = "hf_markedTokenOfTheWorkflow"
RULES = ("--allowed-rules", "package_dataset", "package_tokenizer", "publish", "publish_shared")
#: What the report shows of all that the packages are made of.
SHOWN = (
    *("training/demo/loss.png", "evaluation/demo/intrinsic.png", "evaluation/demo/audit.png"),
    *("vocabulary/boundaries.png", "vocabulary/coverage.png", "vocabulary/sentences.html"),
)
REPOSITORIES = {
    "results/published/demo.json": "writer/model",
    "results/published/shared/dataset.json": "datasets/writer/text",
    "results/published/shared/tokenizer.json": "writer/words",
}
RECEIPTS = tuple(REPOSITORIES)
PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "판", "##결", "legal", "medical")


@pytest.fixture
def workflow(tmp_path):
    """A workflow in which all was made but the packages of data set and tokenizer."""
    workflow = WorkflowCopy(tmp_path)
    results = workflow.folder / "results"
    rows = []
    for number, domain in enumerate(("legal", "medical")):
        (workflow.folder / "raw" / domain).mkdir(parents=True)
        (workflow.folder / "raw" / domain / "one.jsonl").write_text("{}\n")
        about = {"doc_id": f"{number:032x}", "source": domain, "domain": domain}
        rows.append({**about, "kind": "", "split": "train", "text": f"{domain} 판결"})
    for name in ("curated", "segments"):
        write_parquet(results / name / "0000.parquet", pa.Table.from_pylist(rows))
    write_text(results / "vocab.txt", "\n".join(PIECES) + "\n")
    tokenizer = BertTokenizerFast(vocab=str(results / "vocab.txt"), do_lower_case=False)
    tokenizer.save_pretrained(results / "tokenizer")
    (results / "vocab.txt").rename(results / "tokenizer/vocab.txt")
    (results / "tokens").mkdir()
    tokens = pa.table(
        {
            "doc_id": [row["doc_id"] for row in rows],
            "source": [row["source"] for row in rows],
            "characters": [len(row["text"]) for row in rows],
            "input_ids": [
                tokenizer(r["text"], add_special_tokens=False)["input_ids"] for r in rows
            ],
        }
    )
    with pa.ipc.new_file(str(results / "tokens/0000.arrow"), tokens.schema) as writer:
        writer.write_table(tokens)
    write_text(
        results / "vocabulary/measures.csv", "tokenizer,domain,f1\nthis vocabulary,all,0.9\n"
    )
    entries = [ledger.row("ingest", row["source"], doc_id=row["doc_id"]) for row in rows]
    table = pa.Table.from_pylist(entries, schema=ledger.SCHEMA)
    write_parquet(results / "ledger.parquet", table)
    ledger.summarise(table, ["ingest"]).to_csv(results / "ledger_summary.csv", index=False)
    make_package(results / "package/demo", 1)
    for name in SHOWN:
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text("figure")
    return workflow


def test_all_packages_go_to_the_hub_and_the_token_to_no_file(workflow, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with HubServer({TOKEN: "writer"}) as hub:
        config = changed(SMALL, "corpus.sources[1].license", "not for release")
        config["publish"] = {
            **{"license": "mit", "target": "hub", "endpoint": hub.url, "repo_id": "writer/model"},
            **{"dataset_repo_id": "writer/text", "dataset_licences": ["MIT"]},
            **{"tokenizer_repo_id": "writer/words"},
        }
        options = ("--cores", "1", *RECEIPTS, *RULES, "--verbose", "--show-failed-logs")
        # What the Hub says may repeat the token, and a failed job shows its log.
        hub.fail("commit", status=403, headers={"X-Error-Message": f"not by {TOKEN}"}, times=3)
        refused = workflow.snakemake(*options, "--keep-going", config=config)
        assert refused.returncode != 0 and "not by ***" in refused.stderr
        assert not any((workflow.folder / path).exists() for path in RECEIPTS)
        assert {len(repository.commits) for repository in hub.repositories.values()} == {1}

        done = workflow.snakemake(*options, config=config)
        assert done.returncode == 0, done.stderr[-3000:]
        for path, repo in REPOSITORIES.items():
            receipt = json.loads((workflow.folder / path).read_text())
            repository = hub.repositories[repo]
            assert receipt["revision"] == repository.head.oid and repository.private
            held = set(repository.head.files) - {".gitattributes"}
            assert held == {file["path"] for file in receipt["files"]}
        files = hub.repositories["datasets/writer/text"].head.files
        assert "legal 판결".encode() in files["data/train-0000.parquet"].content
        assert "medical 판결".encode() not in files["data/train-0000.parquet"].content
    report = workflow.snakemake("--report", "report.html", *RECEIPTS, *RULES, config=config)
    assert report.returncode == 0, report.stderr[-3000:]
    for run in (refused, done, report):
        assert TOKEN not in run.stdout + run.stderr
    found = [path for path in workflow.folder.rglob("*") if path.is_file()]
    parts = {path.relative_to(workflow.folder).parts[0] for path in found}
    assert {"results", ".snakemake", "report.html"} <= parts
    assert [path for path in found if TOKEN.encode() in path.read_bytes()] == []
