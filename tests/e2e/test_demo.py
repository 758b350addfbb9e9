"""The demonstration, whole: what `make demo` runs, checked against what the README promises."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from malmoi.fingerprint import of_file
from tools.hub_server import HubServer

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.workflow, pytest.mark.training, pytest.mark.slow]


def snakemake(folder: Path, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(folder), "--configfile", str(folder / "config.yaml"), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished demonstration run."""
    folder = tmp_path_factory.mktemp("demo")
    config = yaml.safe_load((ROOT / "sample" / "config.yaml").read_text(encoding="utf-8"))
    generated = folder / "generated"
    generate = [sys.executable, str(ROOT / "sample" / "generate.py"), "--output", str(generated)]
    subprocess.run([*generate, "--megabytes", "3", "--seed", "20"], check=True, capture_output=True)
    for source in config["corpus"]["sources"]:
        path = ROOT / source["path"]
        source["path"] = str(generated if path.name == "generated" else path)
    (folder / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    run = snakemake(folder, "--cores", "2")
    assert run.returncode == 0, run.stderr[-4000:]
    return folder / "results"


def readme_figures(name: str) -> dict[str, tuple[float, float]]:
    """Return figure -> (expected, tolerance) of a README's table of figures, in its order."""
    text = (ROOT / name).read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([\d.]+) ± ([\d.]+) \|$", text, flags=re.MULTILINE)
    return {figure: (float(expected), float(tolerance)) for figure, expected, tolerance in rows}


def test_both_readmes_promise_the_same_figures() -> None:
    assert readme_figures("README.md")
    assert readme_figures("README.md") == readme_figures("README.ko.md")


def test_the_demo_reaches_what_the_readme_promises(demo: Path) -> None:
    test = json.loads((demo / "evaluation/demo/pretraining.json").read_text())["test"]
    task = json.loads((demo / "evaluation/demo/task-case_type.json").read_text())
    measured = {
        "mlm_loss_untrained": test["untrained"]["mlm_loss"],
        "mlm_loss": test["trained"]["mlm_loss"],
        "mlm_loss_fall": test["mlm_loss_fall"],
        "mlm_accuracy": test["trained"]["mlm_accuracy"],
        "nsp_accuracy": test["trained"]["nsp_accuracy"],
        "case_type_accuracy": task["models"]["trained"]["accuracy"]["mean"],
    }
    promised = readme_figures("README.md")
    assert set(measured) == set(promised)
    for figure, (expected, tolerance) in promised.items():
        assert measured[figure] == pytest.approx(expected, abs=tolerance), figure
    assert test["mlm_loss_fall"] >= 0.25
    assert test["trained"]["nsp_accuracy"] > 0.75


ALONE = """
import json, sys
from transformers import AutoModelForPreTraining, AutoTokenizer
model, loading = AutoModelForPreTraining.from_pretrained(sys.argv[1], output_loading_info=True)
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
documents = json.load(open(sys.argv[2]))
ids = [
    [tokenizer(line, add_special_tokens=False, truncation=False)["input_ids"] for line in lines]
    for lines in documents
]
assert not any(name.startswith(("kiwipiepy", "malmoi")) for name in sys.modules)
loading = {name: sorted(map(str, keys)) for name, keys in loading.items()}
print(json.dumps([type(model).__name__, loading, ids]))
"""


def test_plain_transformers_loads_the_model_and_gives_the_ids_of_the_shards(
    demo: Path, tmp_path: Path
) -> None:
    texts, shard_ids = {}, {}
    for shard in ("0000", "0001"):
        segments = pq.read_table(demo / f"segments/{shard}.parquet").to_pylist()
        texts |= {row["doc_id"]: row["text"] for row in segments if row["split"] != "train"}
        tokens = pa.ipc.open_file(pa.memory_map(str(demo / f"tokens/{shard}.arrow"))).read_all()
        shard_ids |= dict(
            zip(tokens["doc_id"].to_pylist(), tokens["input_ids"].to_pylist(), strict=True)
        )
    documents = [texts[doc_id].split("\n") for doc_id in texts]
    assert sum(map(len, documents)) >= 1000
    (tmp_path / "lines.json").write_text(json.dumps(documents))
    command = [sys.executable, "-I", "-c", ALONE]
    command += [str(demo / "model/demo"), str(tmp_path / "lines.json")]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    name, loading, ids = json.loads(run.stdout)
    assert name == "BertForPreTraining"
    assert not any(loading.values()), loading
    for doc_id, lines in zip(texts, ids, strict=True):
        assert [number for line in lines for number in line] == shard_ids[doc_id]


def test_the_ledger_accounts_for_every_document_and_character(demo: Path) -> None:
    summary = pd.read_csv(demo / "ledger_summary.csv", keep_default_na=False)
    stages = list(summary["stage"].unique())
    assert stages[:6] == ["ingest", "normalize", "filter", "deduplicate", "segment", "tokenize"]
    for before, after in itertools.pairwise(stages[:7]):
        kept = summary[(summary["stage"] == before) & (summary["status"] == "kept")]
        given = summary[summary["stage"] == after]
        assert kept["documents"].sum() == given["documents"].sum(), after
        assert kept["chars_out"].sum() == given["chars_in"].sum(), after
    shares = summary.groupby("stage")[["documents_share", "chars_share"]].sum()
    assert shares.to_numpy() == pytest.approx(1.0, abs=1e-5)
    quarantined = summary[summary["status"] == "quarantined"]
    assert set(quarantined["reason"]) == {"locked", "truncated_or_damaged", "undecodable"}
    assert {"language", "exact"} <= set(summary["reason"])
    instances = summary[summary["stage"].str.startswith("instances")]
    assert (instances["tokens_in"] == instances["tokens_out"]).all()


def test_personal_data_of_the_sample_is_masked(demo: Path) -> None:
    for path in sorted(demo.glob("curated/*.parquet")):
        for text in pq.read_table(path, columns=["text"])["text"].to_pylist():
            assert "@example.com" not in text
            assert not re.search(r"010-0000-\d{4}", text)
            assert not re.search(r"\d{6}-[1-8]\d{6}", text)


def test_the_receipt_lists_what_was_published(demo: Path) -> None:
    receipt = json.loads((demo / "published/demo.json").read_text())
    package = demo / "package/demo"
    assert receipt["target"] == "folder"
    listed = {file["path"]: file["sha256"] for file in receipt["files"]}
    assert {"README.md", "model.safetensors", "vocab.txt", "gates.json"} <= set(listed)
    for name, digest in listed.items():
        assert of_file(package / name) == digest
    assert all(gate["passed"] for gate in json.loads((package / "gates.json").read_text()))


def test_a_finished_run_has_nothing_left_to_do_and_a_report(demo: Path) -> None:
    again = snakemake(demo.parent, "-n", "--cores", "2")
    assert "Nothing to be done" in again.stdout + again.stderr
    report = snakemake(demo.parent, "--report", str(demo / "report.html"))
    assert report.returncode == 0, report.stderr[-2000:]
    html = (demo / "report.html").read_text(encoding="utf-8")
    script = re.search(r'<script id="results">\s*var results = (.*?);\s*</script>', html, re.DOTALL)
    shown = json.loads(script[1])
    names = {path.removeprefix("results/") for path in shown}
    assert {"training/demo/loss.png", "evaluation/comparison.html"} <= names
    pages = {"ledger_summary", "benchmarks", "provenance", "curation/drops", "vocabulary/measures"}
    assert {f"report/{name}.html" for name in pages} <= names
    for path, result in shown.items():
        assert result["caption"] and result["labels"]["result"], path
        # What is not a picture or a page can only be downloaded.
        assert result["mime_type"] in ("image/png", "text/html"), path


def test_the_model_goes_to_a_hub_and_loads_from_there(
    demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last test of this module: it changes the receipt."""
    config = yaml.safe_load((demo.parent / "config.yaml").read_text(encoding="utf-8"))
    with HubServer({"hf_demo": "writer"}) as hub:
        config["publish"] |= {"target": "hub", "repo_id": "writer/demo", "endpoint": hub.url}
        path = demo.parent / "hub.yaml"
        path.write_text(yaml.safe_dump(config, allow_unicode=True))
        monkeypatch.setenv("HF_TOKEN", "hf_demo")
        run = snakemake(demo.parent, "--cores", "2", "--configfile", str(path))
        assert run.returncode == 0, run.stderr[-4000:]
        receipt = json.loads((demo / "published/demo.json").read_text())
        assert receipt["revision"] == hub.repositories["writer/demo"].head.oid
        environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(demo.parent / "hub")}
        code = (
            "from transformers import AutoModel as A; print(A.from_pretrained('writer/demo').dtype)"
        )
        loaded = subprocess.run(
            [sys.executable, "-I", "-c", code],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        assert loaded.stdout.strip() == "torch.float32", loaded.stderr[-2000:]
