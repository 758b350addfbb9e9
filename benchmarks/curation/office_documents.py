"""What becomes of HWP 5, HWPX and PDF files: read or refused for the right reason, and alike in each format."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from itertools import combinations
from pathlib import Path

from malmoi.readers.files import records_of

GRAM = 8

#: What the files should become, by name: a reason, or nothing for a document. Looked up by opening each file.
REFUSED = {
    # A table whose cells are all blank, in both formats.
    "table.hwp": "empty",
    "table.hwpx": "empty",
    "password-12345.hwp": "locked",
    "HWP3-password-123456.hwp": "unsupported_format",
    # Its fonts number their glyphs and map none to Unicode.
    "cid-font-no-tounicode.pdf": "undecodable",
    "empty.pdf": "empty",
    # A JPEG picture by its content.
    "fake-jpg.pdf": "unsupported_format",
    "password-protected.pdf": "locked",
}
#: Files with one stem that are no pair: the PDF is a test of English, the HWPX a Korean statistical release.
NO_PAIR = ({"sample.hwpx", "sample.pdf"},)


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return the share of files treated right, of 8-grams that formats share, and the readers' speed."""
    texts: dict[str, dict[str, str]] = defaultdict(dict)
    files = right = 0
    spent: dict[str, list[float]] = defaultdict(list)
    for path in sorted(each for each in (data / "documents").rglob("*") if each.is_file()):
        if path.suffix not in (".hwp", ".hwpx", ".pdf"):
            continue
        seconds = []
        for _ in range(3):
            start = time.process_time()
            found = [record for _, _, record in records_of(path, path.name, {})]
            seconds.append(time.process_time() - start)
        reason = found[0].reason.partition(":")[0]
        files += 1
        right += len(found) == 1 and reason == REFUSED.get(path.name, "")
        print(f"  {path.name}: {found[0].reason or f'{len(found[0].text)} characters'}")
        if not reason:
            texts[path.stem][path.suffix] = found[0].text
            spent[path.suffix].append(path.stat().st_size / 1e6 / max(min(seconds), 1e-6))
    agreements: dict[str, list[float]] = {"hwp_hwpx": [], "pdf": []}
    for stem, formats in sorted(texts.items()):
        for one, other in combinations(sorted(formats), 2):
            if {stem + one, stem + other} in NO_PAIR:
                continue
            share = agreement(formats[one], formats[other])
            agreements["pdf" if ".pdf" in (one, other) else "hwp_hwpx"].append(share)
            print(f"  {stem}: {one} and {other} share {share:.4f}")
    figures: dict[str, float] = {"office_files": files, "office_files_right": right / files}
    for name, shares in agreements.items():
        figures[f"{name}_agreement"] = statistics.mean(shares)
        figures[f"{name}_agreement_least"] = min(shares)
        figures[f"{name}_pairs"] = len(shares)
    for suffix, speeds in spent.items():
        figures[f"{suffix[1:]}_slowest_mb_per_cpu_s"] = min(speeds)
    return figures


def agreement(one: str, other: str) -> float:
    """Return the Jaccard index of the 8-grams of characters of two texts, blanks left out."""
    grams = [
        {joined[at : at + GRAM] for at in range(max(1, len(joined) - GRAM + 1))}
        for joined in ("".join(text.split()) for text in (one, other))
    ]
    return len(grams[0] & grams[1]) / len(grams[0] | grams[1])
