"""Seeded generator of an invented Korean legal and medical corpus."""

import json
from collections.abc import Callable, Iterator
from types import ModuleType

from . import clinical_note, contract, drug_leaflet, guideline, judgment, statute
from .shared import Document

MODULES: dict[str, tuple[str, ModuleType]] = {
    "judgment": ("legal", judgment),
    "statute": ("legal", statute),
    "contract": ("legal", contract),
    "drug_leaflet": ("medical", drug_leaflet),
    "clinical_note": ("medical", clinical_note),
    "guideline": ("medical", guideline),
}
KINDS = tuple(MODULES)


def make_record(seed: int, kind: str, number: int) -> dict[str, str]:
    """Return one record, a pure function of seed, kind, and number."""
    domain, module = MODULES[kind]
    make: Callable[[int, int], Document] = module.make
    document = make(seed, number)
    return {
        "id": f"{kind}-{number:06d}",
        "domain": domain,
        "kind": kind,
        "title": document.title,
        "date": document.date,
        "group": document.group,
        "label": document.label,
        "text": document.text,
    }


def lines_of(seed: int, kind: str, size: int) -> Iterator[bytes]:
    """Yield JSON lines of one kind until their bytes reach a size."""
    number = written = 0
    while written < size:
        record = make_record(seed, kind, number)
        line = (json.dumps(record, ensure_ascii=False) + "\n").encode()
        yield line
        written += len(line)
        number += 1
