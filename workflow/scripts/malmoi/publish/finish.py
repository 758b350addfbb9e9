"""The last steps of any package: card, the gate that reads the card, the decision, checksums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from malmoi.atomic import write_json, write_text
from malmoi.publish import card, checksums, gates
from malmoi.publish.gates import Gate


def finish_package(
    folder: Path,
    *,
    template: Path,
    content: Mapping[str, Any],
    results: Sequence[Gate],
    overridden: Sequence[str],
    scanned: Mapping[str, Iterable[str]],
    repo_type: str = "model",
) -> None:
    """Write card, ``gates.json`` and ``SHA256SUMS`` into ``folder``, which holds all other files.

    ``content`` is what the template names, but for ``gates`` and ``overridden``; its ``metadata`` is the
    card's YAML block. ``results`` are the gates looked at so far; what looks for personal data reads the card,
    ``provenance.json`` and ``scanned`` (lines by name of the file).

    Raises:
        InputError: a gate failed and is not among ``overridden``, or the card's metadata is not valid.
    """
    content = {**content, "overridden": list(overridden)}
    # The card names the gates' outcome and is itself looked at by one of them.
    draft = card.render(template, gates=[], **content)
    card.check(draft, content["metadata"], repo_type)
    origin = (folder / "provenance.json").read_text(encoding="utf-8")
    personal = gates.personal_data(
        {
            **scanned,
            "README.md": draft.splitlines(),
            "provenance.json": origin.splitlines(),
        }
    )
    decided = gates.decide([*results, personal], overridden)
    write_json(folder / "gates.json", decided)
    write_text(folder / "README.md", card.render(template, gates=decided, **content))
    checksums.write(folder)
