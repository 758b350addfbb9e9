"""Measure an area part by part and write down what came of it: what the `run.py` of an area calls."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: What a figure should be at least (>=) or at most (<=), and what it says.
Wanted = Mapping[str, tuple[str, float, str]]


#: A figure; None where this machine cannot measure it, such as those of a GPU.
Figure = float | str | None


def main(
    area: str,
    title: str,
    parts: Sequence[str],
    wanted: Wanted,
    more: Callable[[Mapping[str, Figure]], Sequence[str]] | None = None,
) -> None:
    """Measure the parts of an area and write ``results.json`` and ``README.md`` beside them.

    A part is the module ``benchmarks.{area}.{part}`` with a function ``measure(data, work)`` that returns
    figures by name. Both files are written after each part, so that a stop loses nothing; ``--only``
    measures some parts again and leaves the other figures as they are. ``more`` gives further lines of the
    README from the figures.
    """
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, default=ROOT / ".bench" / area)
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        sys.exit(
            f"{arguments.data} does not exist: give the folder of the real documents as --data"
        )
    arguments.work.mkdir(parents=True, exist_ok=True)
    here = Path(__file__).parent / area
    path = here / "results.json"
    whole = list(arguments.only) == list(parts)
    values = {} if whole or not path.is_file() else json.loads(path.read_text(encoding="utf-8"))
    for part in arguments.only:
        module = importlib.import_module(f"benchmarks.{area}.{part}")
        found = module.measure(arguments.data.resolve(), arguments.work.resolve())
        print(part, json.dumps(found), flush=True)
        if not whole and path.is_file():
            # Another part may have been written meanwhile.
            values = json.loads(path.read_text(encoding="utf-8"))
        values |= found
        path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        (here / "README.md").write_text(
            "\n".join(
                [*_readme(area, title, parts, wanted, values), *(more(values) if more else ())]
            )
            + "\n",
            encoding="utf-8",
        )
    missed = [
        name
        for name, (sign, limit, _) in wanted.items()
        if values.get(name) is not None
        and (values[name] < limit if sign == ">=" else values[name] > limit)
    ]
    print("missed:", ", ".join(missed) or "none")


def _readme(
    area: str, title: str, parts: Sequence[str], wanted: Wanted, values: Mapping[str, Figure]
) -> list[str]:
    lines = [
        f"# {title}",
        "",
        f"`make bench AREA={area} DATA=../shared/data`, on 2 CPU cores. One part alone: "
        f"`.venv/bin/python benchmarks/{area}/run.py --only {parts[0]}`.",
        "",
        "| figure | value | wanted | meaning |",
        "|---|---|---|---|",
    ]
    for name, (sign, limit, meaning) in wanted.items():
        if name in values:
            shown = _shown(values[name], 5)
            lines.append(f"| `{name}` | {shown} | {sign} {limit:,g} | {meaning} |")
    lines += ["", "All that was measured:", "", "| figure | value |", "|---|---|"]
    lines += [f"| `{name}` | {_shown(value, 6)} |" for name, value in sorted(values.items())]
    return lines


def _shown(value: Figure, digits: int) -> str:
    if value is None:
        return "not measured"
    return value if isinstance(value, str) else f"{value:,.{digits}g}"
