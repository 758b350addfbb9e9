"""What the filters keep and drop, what evaluation items are found, and how fast both are."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from malmoi.curate.contamination import FEWEST, Contamination, plain
from malmoi.curate.evaluation_sets import read_items
from malmoi.curate.filters import Text, objection
from malmoi.progress import LOG
from malmoi.readers.files import records_of
from malmoi.text.repair import normalize_text

from benchmarks.curation.corpus_text import large_archive, leaflets
from benchmarks.curation.junk import junk

ROOT = Path(__file__).resolve().parents[2]

#: Texts of each kind of junk.
JUNK = 300

#: Folders of good documents beside the leaflets and the large archive, under the folder of data.
GOOD = {
    "decisions": "legal/precedents_md",
    "statutes": "legal/statutes_md",
    "statutes in XML": "legal/statutes_xml",
    "medical decisions": "medical/precedents_medical",
    "health statutes": "medical/statutes_health",
    "care notes": "medical/elderly_health_docs/data",
}

CUSTOMS = {"format": "json", "fields": {"text": ["판결주문", "청구취지", "판결이유"]}}

#: Sets whose items the corpus is said not to hold.
SETS: tuple[dict[str, Any], ...] = (
    {"name": "case_name", "path": "legal_casename_derived/dev.jsonl", "fields": ["text"]},
    {"name": "case_type", "path": "legal_casetype_derived/dev.jsonl", "fields": ["text"]},
    {
        "name": "klue_sts",
        "path": "klue_v1.1/klue_benchmark/klue-sts-v1.1/klue-sts-v1.1_dev.json",
        "fields": ["sentence1", "sentence2"],
    },
    {
        "name": "klue_ner",
        "path": "klue_v1.1/klue_benchmark/klue-ner-v1.1/klue-ner-v1.1_dev.tsv",
    },
)

#: Items planted, and megabytes of text that the speed is measured on.
PLANTED = 1000
MEGABYTES = 50


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return the shares kept and dropped, the items found, the false alarms, and megabytes a CPU-second.

    ``*_lowest`` is the share of the worst kind of text. An item counts as found when the document it was
    planted in is reported; a false alarm is a document of the large archive, which holds no item as a
    whole by its makers' word, that is reported all the same.
    """
    limits = settings()
    texts = good_texts(data, work)
    kept = {kind: _share(kind, each, limits, keep=True) for kind, each in texts.items()}
    dropped = {kind: _share(kind, each, limits, keep=False) for kind, each in junk(JUNK).items()}
    total = sum(map(len, texts.values()))
    archive = [*texts["decisions of the archive"], *texts["statutes of the archive"]]
    sets = [entry | {"path": data / "eval" / entry["path"]} for entry in SETS]
    contamination = Contamination(sets, limits["ngram"], limits["share"])
    reported = [contamination.item_in(text) is not None for text in archive]
    clean = [text for text, item in zip(archive, reported, strict=True) if not item]
    sample = _sample(archive)
    return {
        "filters_keep_good": sum(kept[kind] * len(each) for kind, each in texts.items()) / total,
        "filters_keep_good_lowest": min(kept.values()),
        "filters_drop_junk": sum(dropped.values()) / len(dropped),
        "filters_drop_junk_lowest": min(dropped.values()),
        "filters_mb_per_cpu_s": _speed(lambda text: objection(Text(text), limits), sample),
        "contamination_recall": _recall(contamination, sets, clean),
        "contamination_false_alarms": sum(reported) / len(reported),
        "contamination_mb_per_cpu_s": _speed(lambda text: contamination.item_in(text), sample),
    }


def settings() -> dict[str, float]:
    """Return the defaults of filters and decontamination."""
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text("utf-8"))
    curate = schema["properties"]["curate"]["properties"]
    entries = curate["filters"]["properties"] | curate["decontaminate"]["properties"]
    return {name: entry["default"] for name, entry in entries.items() if name != "sets"}


def good_texts(data: Path, work: Path) -> dict[str, list[str]]:
    """Return texts to keep by their kind, as normalize would hand them on."""
    large = large_archive(data, work)
    folders = {kind: data / folder for kind, folder in GOOD.items()} | {
        "decisions of the archive": large / "precedents_md",
        "statutes of the archive": large / "statutes_md",
    }
    texts = {kind: list(_read(folder, {})) for kind, folder in folders.items()}
    texts["customs decisions"] = list(_read(data / "legal/customs_cases_json", CUSTOMS))
    texts["leaflets"] = [normalize_text(text)[0] for text in leaflets(data)]
    return texts


def _read(folder: Path, source: dict[str, Any]) -> Iterator[str]:
    endings = (".md", ".xml", ".txt", ".json")
    for path in sorted(folder.rglob("*")):
        if path.suffix in endings and path.name not in ("SOURCE.md", "README.md"):
            for _, _, record in records_of(path, path.name, {"name": folder.name, **source}):
                if not record.reason:
                    yield normalize_text(record.text)[0]


def _share(kind: str, texts: list[str], limits: dict[str, float], *, keep: bool) -> float:
    objections = [objection(Text(text), limits) for text in texts]
    share = sum((each is None) == keep for each in objections) / len(texts)
    LOG.info("%s: %.4f %s of %d", kind, share, "kept" if keep else "dropped", len(texts))
    return share


def _recall(contamination: Contamination, sets: list[dict[str, Any]], hosts: list[str]) -> float:
    """Return the share of planted items found: whole, respaced, with words changed, and half of them."""
    draw = random.Random(20)
    items = [text for entry in sets for _, text in read_items(entry["path"], entry.get("fields"))]
    variants: dict[str, tuple[int, Callable[[random.Random, str], str]]] = {
        "whole": (FEWEST + 9, lambda _, text: text),
        "a third of the spaces lost": (FEWEST + 9, _respaced),
        "a tenth of the words changed": (60, _reworded),
        "half quoted": (200, _halved),
    }
    found = planted = 0
    for name, (fewest, vary) in variants.items():
        long = [text for text in items if len(plain(text)) >= fewest]
        hits = 0
        chosen = draw.sample(long, min(PLANTED, len(long)))
        for text in chosen:
            host = draw.choice(hosts)
            place = draw.randrange(len(host))
            planted_text = normalize_text(vary(draw, text))[0]
            planting = f"{host[:place]}\n{planted_text}\n{host[place:]}"
            hits += contamination.item_in(planting) is not None
        LOG.info("planted %s: %.4f of %d found", name, hits / len(chosen), len(chosen))
        found, planted = found + hits, planted + len(chosen)
    return found / planted


def _respaced(draw: random.Random, text: str) -> str:
    return "".join(char for char in text if char != " " or draw.random() > 1 / 3)


def _reworded(draw: random.Random, text: str) -> str:
    words = text.split()
    for place in draw.sample(range(len(words)), max(1, len(words) // 10)):
        words[place] = "".join(
            draw.choices("가나다라마바사아자차카타파하너더러", k=len(words[place]))
        )
    return " ".join(words)


def _halved(draw: random.Random, text: str) -> str:
    size = (len(text) + 1) // 2
    first = draw.randrange(len(text) - size + 1)
    return text[first : first + size]


def _sample(texts: list[str]) -> list[str]:
    shuffled = random.Random(20).sample(texts, len(texts))
    sample, size = [], 0
    while shuffled and size < MEGABYTES * 1_000_000:
        sample.append(shuffled.pop())
        size += len(sample[-1].encode())
    return sample


def _speed(work: Callable[[str], object], texts: list[str]) -> float:
    """Return megabytes of UTF-8 a CPU-second, the best of five runs."""
    size = sum(len(text.encode()) for text in texts) / 1e6
    times = []
    for _ in range(5):
        start = time.process_time()
        for text in texts:
            work(text)
        times.append(time.process_time() - start)
    return size / min(times)
