"""Say of every shard whether its documents have changed."""

from malmoi.progress import log_to
from malmoi.readers.digests import digest_shards

log_to(snakemake.log[0])
digest_shards(digest_paths=list(snakemake.input), output_paths=list(snakemake.output))
