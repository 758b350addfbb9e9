"""A tiny run, made on the spot: model, tokenizer, shards, ledger summary and evaluation."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import torch
from malmoi import fingerprint, ledger
from malmoi.atomic import write_json, write_parquet
from malmoi.publish import gates
from malmoi.publish.package import build_package
from matplotlib.figure import Figure
from tools.hub_publisher import Publisher, make_package
from tools.hub_server import HubServer
from tools.tiny_bert import PIECES, make_tiny_bert
from transformers import BertTokenizerFast

TEXTS = [f"법원 판결 {first}나다 의사 약{second}" for first in "가나다라" for second in "마바사"]


def _model(folder: Path) -> None:
    make_tiny_bert(folder, positions=32)
    (folder / ".snakemake_timestamp").touch()
    (folder / "notes.txt").write_text("not for the public", encoding="utf-8")


def _shards(folder: Path, tokenizer: BertTokenizerFast) -> None:
    sources = ["precedents", "leaflets"]
    rows = [
        {"doc_id": f"{number:032x}", "source": sources[number // 2 % 2], "text": text}
        for number, text in enumerate(TEXTS)
    ]
    for shard in range(2):
        part = rows[shard::2]
        write_parquet(folder / f"segments/{shard:04}.parquet", pa.Table.from_pylist(part))
        whole = [{**row, "domain": "legal", "kind": "", "split": "train"} for row in part]
        write_parquet(folder / f"curated/{shard:04}.parquet", pa.Table.from_pylist(whole))
        ids = [tokenizer(row["text"], add_special_tokens=False)["input_ids"] for row in part]
        table = pa.table(
            {
                "doc_id": pa.array([row["doc_id"] for row in part], pa.string()),
                "source": pa.array([row["source"] for row in part], pa.string()),
                "characters": pa.array([len(row["text"]) for row in part], pa.int64()),
                "input_ids": pa.array(ids, pa.list_(pa.uint16())),
            }
        )
        (folder / "tokens").mkdir(exist_ok=True)
        path = str(folder / f"tokens/{shard:04}.arrow")
        with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)


def _evaluations(folder: Path) -> None:
    def part(loss: float) -> dict:
        return {
            "trained": {
                "intervals": {"mlm_loss": [loss - 0.1, loss + 0.1]},
                "mlm_loss": loss,
                "masked_tokens": 120,
            },
            "untrained": {"intervals": {"mlm_loss": [8.0, 8.4]}, "mlm_loss": 8.2},
        }

    pretraining = {"kind": "pretraining", "seed": 3, "validation": part(4.3125), "test": part(4.5)}
    write_json(folder / "evaluation/pretraining.json", pretraining)
    models = {
        name: {"accuracy": {"mean": mean, "low": mean - 0.05, "high": mean + 0.05}, "runs": []}
        for name, mean in (("trained", 0.8125), ("untrained", 0.4), ("majority", 0.25))
    }
    classification = {"kind": "classification", "task": "case", "models": models}
    write_json(folder / "evaluation/case.json", classification)


@pytest.fixture(scope="session")
def run_files(tmp_path_factory) -> dict:
    """What ``build_package`` is given for a tiny run of two sources, one with dropped documents."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("run")
    _model(folder / "model")
    _shards(folder, BertTokenizerFast.from_pretrained(folder / "model"))
    _evaluations(folder)
    rows = [
        *(
            ledger.row(
                "ingest",
                "precedents",
                doc_id=f"{n:032x}",
                raw_path=f"{n // 2}.zip!{n}.txt",
                chars_in=10,
                chars_out=10,
            )
            for n in range(14)
        ),
        *(
            ledger.row("filter", "precedents", doc_id=f"{n}", chars_in=10, chars_out=10)
            for n in range(12)
        ),
        *(
            ledger.row(
                "filter",
                "leaflets",
                doc_id=f"{n}",
                status="filtered",
                reason="hangul_share: 0.01",
                chars_in=10,
            )
            for n in (12, 13)
        ),
    ]
    table = pa.Table.from_pylist(rows, schema=ledger.SCHEMA)
    write_parquet(folder / "ledger.parquet", table)
    summary: pd.DataFrame = ledger.summarise(table, ["ingest", "filter"])
    summary.to_csv(folder / "ledger_summary.csv", index=False)
    shard = {"path": str(folder / "instances/p1/train/0000.arrow"), "sha256": "ab" * 32}
    split = {"instances": 1234, "tokens": 98765, "shards": [{**shard, "instances": 1234}]}
    write_json(
        folder / "manifest.json",
        {
            "phase": "p1",
            "max_seq_length": 32,
            "vocabulary_size": len(PIECES),
            "splits": {"train": split},
        },
    )
    write_json(
        folder / "summary.json",
        {
            **{
                "steps": 4321,
                "tokens": 555000,
                "ranks": 2,
                "fingerprint": "cd" * 32,
                "loss": 4.4321,
            },
            **{"device": "NVIDIA Tiny", "seconds": 9000.0, "precision": "bf16", "zero_stage": 1},
        },
    )
    measures = [
        {"tokenizer": name, "domain": domain, "tokens_per_eojeol": tokens, "f1": 0.9}
        for name, tokens in (("this vocabulary", 2.25), ("another", 3.5))
        for domain in ("legal", "all")
    ]
    pd.DataFrame(measures).to_csv(folder / "measures.csv", index=False)
    check = {"name": "membership_auc", "passed": True, "value": 0.0125, "limit": 0.03}
    audit = {
        "kind": "audit",
        "model": fingerprint.of_weights(folder / "model"),
        "checks": [{**check, "says": "what an attack has over piece counts"}],
        "exposure": [{"count": 32, "canaries": 24, "bits": 5.75}],
        "identifiers": {},
    }
    write_json(folder / "audit.json", audit)
    figure = Figure()
    figure.subplots().plot([3, 2, 1])
    figure.savefig(folder / "loss.png")
    return {
        "experiment": "demo",
        "model": folder / "model",
        "summary": folder / "ledger_summary.csv",
        "ledger": folder / "ledger.parquet",
        "manifests": [folder / "manifest.json"],
        "training": [folder / "summary.json", folder / "loss.png"],
        "evaluation": sorted((folder / "evaluation").glob("*.json")),
        "audit": folder / "audit.json",
        "vocabulary": folder / "measures.csv",
        "segments": sorted((folder / "segments").glob("*.parquet")),
        "tokens": sorted((folder / "tokens").glob("*.arrow")),
        "sources": [
            {"name": "precedents", "domain": "legal", "license": "KOGL-1"},
            {"name": "leaflets", "domain": "medical", "license": "CC0-1.0"},
        ],
        "takedown": {"documents": [], "files": {}},
        "libraries": {"torch": "0.1", "of_another_stage": "3.2.1"},
        "publish": {"title": "Tiny BERT", "license": "cc-by-4.0"},
        "config": {
            "corpus": {"sources": [{"name": "precedents", "path": "/home/somebody/precedents"}]},
            "normalize": {"pii": {"phone": "mask"}},
            "pretrain": {"model": "tiny", "optimizer": {"learning_rate": 0.0005}},
            "publish": {"repo_id": "writer/secret-plan", "private": True, "title": "Tiny BERT"},
        },
    }


@pytest.fixture(scope="session")
def package(run_files, tmp_path_factory) -> Path:
    """The package of the tiny run; tests must not write into it."""
    folder = tmp_path_factory.mktemp("package") / "demo"
    build_package(folder, **run_files)
    return folder


@pytest.fixture
def loaded(package, monkeypatch):
    """Take the package's own word that its model loads, where something else is looked at: it takes seconds."""
    rows = {row["name"]: row for row in json.loads((package / "gates.json").read_text())}
    gate = gates.Gate("loads", rows["loads"]["passed"], rows["loads"]["evidence"])
    monkeypatch.setattr(gates, "loads", lambda folder: gate)


@pytest.fixture
def python(tmp_path):
    """Run Python code in a new process, where ``HF_ENDPOINT`` is read afresh, and return the process."""

    def run(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            timeout=240,
            env={
                **kept,
                "HF_HOME": str(tmp_path / "hf_home"),
                "PYTHONPATH": str(fingerprint.LIBRARY),
                **environment,
            },
        )

    return run


@pytest.fixture
def publish(python, package, tmp_path):
    """Publish a package as the workflow does: own process, own log; return (process, receipt)."""
    code = (
        "import json, sys\n"
        "from malmoi.progress import log_to\n"
        "from malmoi.publish.targets import publish\n"
        "log_to(sys.argv[4])\n"
        "publish(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))\n"
    )

    def run(settings: dict, token: str = "", folder: Path = package):
        receipt = tmp_path / "published.json"
        receipt.unlink(missing_ok=True)
        log = tmp_path / "publish.log"
        done = python(
            code, str(folder), str(receipt), json.dumps(settings), str(log), HF_TOKEN=token
        )
        return done, json.loads(receipt.read_text()) if receipt.exists() else None

    return run


@pytest.fixture(scope="session")
def hub_server():
    """A Hub of our own: ``hf_reader`` may only read, ``hf_other`` is another user's token."""
    tokens = {"hf_markedTokenOfTheTests": "writer", "hf_reader": "writer", "hf_other": "other"}
    with HubServer(tokens, {"hf_reader": "read"}) as server:
        yield server


@pytest.fixture
def hub(hub_server):
    """The Hub with nothing in it."""
    hub_server.clear()
    return hub_server


@pytest.fixture(scope="session")
def publisher(hub_server, tmp_path_factory):
    """A process that publishes to the Hub, with waits a thousandth as long."""
    with Publisher(hub_server.url, tmp_path_factory.mktemp("publisher")) as process:
        yield process


@pytest.fixture
def send(publisher):
    """Publish a package of ``make_package`` to the tests' repository; return what came of it."""

    def run(package: Path, token: str = "hf_markedTokenOfTheTests", limits=None, **settings):
        settings = {"repo_id": "writer/tiny-bert", "private": True, **settings}
        return publisher.publish(package, settings, token, **(limits or {}))

    return run


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Path:
    """A package of a few kilobytes without a model to load; tests must not write into it."""
    return make_package(tmp_path_factory.mktemp("small") / "demo", 1)


@pytest.fixture(scope="session")
def newer(tmp_path_factory) -> Path:
    """The next version of ``small``, with other weights and vocabulary."""
    return make_package(tmp_path_factory.mktemp("newer") / "demo", 2)
