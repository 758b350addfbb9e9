"""Put the digests of all ingest jobs' files together, shard by shard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from malmoi.atomic import write_text


def digest_shards(digest_paths: Sequence[str | Path], output_paths: Sequence[str | Path]) -> None:
    """Write for each shard the digests of its documents' files, one per line.

    ``digest_paths`` are those of the first shard in the order of the ingest jobs, then those of the second
    and so on; there is one output path per shard.

    Raises:
        ValueError: the digests cannot be shared out among the shards.
    """
    jobs, rest = divmod(len(digest_paths), len(output_paths))
    if rest:
        raise ValueError(f"{len(digest_paths)} digests for {len(output_paths)} shards")
    for number, path in enumerate(output_paths):
        digests = digest_paths[number * jobs : (number + 1) * jobs]
        write_text(path, "".join(Path(each).read_text(encoding="ascii") for each in digests))
