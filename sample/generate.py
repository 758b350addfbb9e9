"""Write the seeded sample corpus: ``python sample/generate.py --output DIR``."""

import argparse
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from generator import KINDS, lines_of

BYTES_PER_MEGABYTE = 1_000_000


def write_atomically(path: Path, lines: Iterable[bytes]) -> tuple[int, int]:
    """Write lines so that the file appears whole or not at all; return line and byte counts."""
    documents = size = 0
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            for line in lines:
                documents += 1
                size += stream.write(line)
        # mkstemp makes a private file; the corpus is an ordinary one.
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return documents, size


def positive(text: str) -> float:
    """Read a positive number of megabytes."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("must be a positive number")
    return value


def main(arguments: list[str] | None = None) -> None:
    """Generate every kind and print one closing line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder of the JSON Lines files")
    parser.add_argument(
        "--megabytes", type=positive, default=3.0, help="size of all kinds together"
    )
    parser.add_argument(
        "--seed", type=int, default=20, help="the corpus is a function of this number"
    )
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    share = int(options.megabytes * BYTES_PER_MEGABYTE / len(KINDS))
    total = 0
    sizes = []
    for kind in KINDS:
        path = options.output / f"{kind}.jsonl"
        documents, size = write_atomically(path, lines_of(options.seed, kind, share))
        total += documents
        sizes.append(f"{kind} {size}")
    print(f"{total} documents in {options.output}; bytes: {', '.join(sizes)}")


if __name__ == "__main__":
    main()
