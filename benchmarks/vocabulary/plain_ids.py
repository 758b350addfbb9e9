"""Whether anyone who installs transformers alone gets the ids that malmoi trained on, offsets included."""

from __future__ import annotations

import hashlib
import inspect
import json
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from malmoi.fingerprint import canonical
from malmoi.morphology.segments import SCHEMA
from malmoi.morphology.tags import TAGS
from malmoi.vocab.learn import learn_vocabulary
from malmoi.vocab.tokens import read_tokens, tokenize_documents
from tokenizers import Tokenizer

from benchmarks.vocabulary import corpus

ROOT = Path(__file__).resolve().parents[2]

#: Lines of held-out documents that are compared.
LINES = 10_000

SEED = 20

#: What the other environment has; everything else is what these need.
PACKAGES = ("tokenizers", "transformers")

#: Runs there. Prints a JSON line per line of text: ids, offsets, and whether all ways of loading gave the same.
PROGRAM = """
import importlib.util, json, sys
for name in ("kiwipiepy", "malmoi", "torch"):
    assert importlib.util.find_spec(name) is None, name
from tokenizers import Tokenizer
from transformers import AutoTokenizer, BertTokenizerFast
folder, lines = sys.argv[1:]
loaded = [each.from_pretrained(folder, trust_remote_code=False) for each in (AutoTokenizer, BertTokenizerFast)]
plain = Tokenizer.from_file(folder + "/tokenizer.json")
for line in open(lines, encoding="utf-8"):
    text = json.loads(line)
    encoding = plain.encode(text, add_special_tokens=False)
    expected = [encoding.ids, [list(span) for span in encoding.offsets]]
    same = True
    for tokenizer in loaded:
        got = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        same &= [got["input_ids"], [list(span) for span in got["offset_mapping"]]] == expected
    print(json.dumps([*expected, same]))
"""


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return how many held-out lines were compared, and how many differ in an id or an offset.

    Compared are ``BertTokenizerFast``, ``AutoTokenizer`` and ``tokenizers.Tokenizer`` in an environment
    without malmoi and without an analyzer, among each other and with the ids that the store of
    tokens holds.
    """
    return compare(corpus.segments(data, work), work / "plain", settings())


def settings() -> dict[str, Any]:
    """Return the defaults of what learning a vocabulary takes."""
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text("utf-8"))
    entries = schema["properties"]["vocabulary"]["properties"]
    taken = inspect.signature(learn_vocabulary).parameters
    return {name: entry["default"] for name, entry in entries.items() if name in taken}


def compare(
    segments: Sequence[Path], work: Path, vocabulary: dict[str, Any], lines: int = LINES
) -> dict[str, float]:
    """Learn a vocabulary from the training split and compare on lines of the test split."""
    work.mkdir(parents=True, exist_ok=True)
    folder = work / "tokenizer"
    learn_vocabulary(segments, **vocabulary, seed=SEED, output=folder)
    texts = held_out_lines(segments, lines)
    path = work / "lines.jsonl"
    path.write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")
    command = [str(environment(work / "venv")), "-I", "-c", PROGRAM, str(folder), str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=work)
    if run.returncode:
        raise RuntimeError(run.stderr)
    alone = [json.loads(line) for line in run.stdout.splitlines()]
    stored = stored_ids(texts, folder, work)
    here = Tokenizer.from_file(str(folder / "tokenizer.json"))
    encodings = here.encode_batch(texts, add_special_tokens=False)
    differences = 0
    for (ids, offsets, same), kept, encoding in zip(alone, stored, encodings, strict=True):
        spans = [list(span) for span in encoding.offsets]
        differences += not (same and ids == kept == encoding.ids and offsets == spans)
    return {"plain_ids_lines": len(texts), "plain_id_differences": differences}


def held_out_lines(segments: Sequence[Path], number: int) -> list[str]:
    """Return distinct lines of the test split, chosen by chance but always the same."""
    lines: set[str] = set()
    for path in segments:
        for batch in pq.ParquetFile(path).iter_batches(256, columns=["split", "text"]):
            for text in batch.filter(pc.equal(batch["split"], "test"))["text"].to_pylist():
                lines.update(line for line in text.split("\n") if line.strip())
    if len(lines) < number:
        raise ValueError(f"the test split has {len(lines)} distinct lines, not {number}")
    return random.Random(SEED).sample(sorted(lines), number)


def stored_ids(texts: Sequence[str], folder: Path, work: Path) -> list[list[int]]:
    """Return the ids that the workflow's own stage stores for each text, taken for a document."""
    rows = []
    for text in texts:
        doc_id = hashlib.sha256(text.encode()).hexdigest()[:32]
        whole = {"sentence_starts": [0], "sentence_ends": [len(text)]}
        piece = {"morpheme_starts": [0], "morpheme_ends": [len(text)], "morpheme_tags": [0]}
        fixed = dict.fromkeys(SCHEMA.names, "")
        rows.append({**fixed, **whole, **piece, "doc_id": doc_id, "text": text})
    path, tokens = work / "lines.parquet", work / "tokens.arrow"
    schema = SCHEMA.with_metadata({"malmoi.tags": canonical(TAGS)})
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    tokenize_documents(path, folder, tokens, work / "ledger.parquet")
    found = {
        row["doc_id"]: row["input_ids"]
        for batch in read_tokens(tokens)
        for row in batch.to_pylist()
    }
    return [found.get(row["doc_id"], []) for row in rows]


def environment(folder: Path) -> Path:
    """Return the Python of an environment with ``PACKAGES`` at the project's pins, made once."""
    pins = re.findall(r"- (\S+==\S+)", (ROOT / "envs/tokenizer.yaml").read_text(encoding="utf-8"))
    wanted = [pin for pin in pins if pin.partition("==")[0] in PACKAGES]
    complete = folder / "complete"
    if not complete.is_file() or complete.read_text() != "\n".join(wanted):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        python = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *wanted]
        subprocess.run(python, check=True)
        complete.write_text("\n".join(wanted))
    return folder / "bin" / "python"
