"""The evaluation sets as files of tasks, and what tells of which documents their items were made."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import yaml
import zstandard

#: Court decisions of `--data`: folders and archives of Markdown with front matter.
DECISIONS = ("legal/precedents_md", "medical/precedents_medical")
ARCHIVES = ("large/legal_190mb.tar.zst",)

#: One in so many documents of the archives is trained on.
EVERY = 4

#: Sets of court decisions, whose dev split is scored here, by the task's name.
CASES = {"case_name": "legal_casename_derived", "case_type": "legal_casetype_derived"}

NER = "eval/klue_v1.1/klue_benchmark/klue-ner-v1.1/klue-ner-v1.1_dev.tsv"
STS = "eval/klue_v1.1/klue_benchmark/klue-sts-v1.1/klue-sts-v1.1_dev.json"

#: What a decision's front matter calls its number in the public register, and its case number.
SERIAL, NUMBER = "판례일련번호", "사건번호"


def write_items(data: Path, folder: Path) -> dict[str, str]:
    """Write each task's train and test file into a folder and return the case numbers by serial number.

    Dev splits of the sets of court decisions are scored, with the case number beside each item whose
    decision is among the documents. KLUE's train splits are not at hand: every other item of its dev files
    trains, the others are scored.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    numbers = case_numbers(data)
    for name, source in CASES.items():
        for split, written in (("train", "train"), ("dev", "test")):
            lines = (data / "eval" / source / f"{split}.jsonl").read_text("utf-8").splitlines()
            items = [json.loads(line) for line in lines]
            items = [item | {"case_number": numbers.get(item["id"], "")} for item in items]
            text = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
            (folder / f"{name}_{written}.jsonl").write_text(text, encoding="utf-8")
    sentences = (data / NER).read_text("utf-8").strip("\n").split("\n\n")
    pairs = json.loads((data / STS).read_text("utf-8"))
    for at, split in enumerate(("train", "test")):
        half = "\n\n".join(sentences[at::2]) + "\n"
        (folder / f"klue_ner_{split}.tsv").write_text(half, encoding="utf-8")
        half = json.dumps(pairs[at::2], ensure_ascii=False)
        (folder / f"klue_sts_{split}.json").write_text(half, encoding="utf-8")
    return numbers


def write_decisions(data: Path, folder: Path) -> None:
    """Unpack every ``EVERY``-th document of the archives into a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, text in enumerate(_packed(data)):
        if number % EVERY == 0:
            (folder / f"{number:06d}.md").write_text(text, encoding="utf-8")


def case_numbers(data: Path) -> dict[str, str]:
    """Return the case number of every decision among the documents by its serial number."""
    fronts = (yaml.load(text, Loader=yaml.CBaseLoader) for text in _front_matters(data))
    return {front[SERIAL]: front[NUMBER] for front in fronts if SERIAL in front and NUMBER in front}


def _front_matters(data: Path) -> Iterator[str]:
    for folder in DECISIONS:
        for path in sorted((data / folder).rglob("*.md")):
            yield from _front_matter(path.read_text("utf-8"))
    for text in _packed(data):
        yield from _front_matter(text)


def _packed(data: Path) -> Iterator[str]:
    for name in ARCHIVES:
        with (data / name).open("rb") as packed:
            stream = zstandard.ZstdDecompressor().stream_reader(packed)
            with tarfile.open(fileobj=io.BufferedReader(stream), mode="r|") as archive:
                for member in archive:
                    if member.isfile() and member.name.endswith(".md"):
                        yield archive.extractfile(member).read().decode()


def _front_matter(text: str) -> Iterator[str]:
    parts = text.split("---\n", 2)
    if not parts[0].strip() and len(parts) == 3:
        yield parts[1]
