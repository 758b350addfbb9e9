"""Repair the text of one shard of documents and mask personal data in it."""

from malmoi.progress import log_to
from malmoi.text.normalize import normalize_documents

log_to(snakemake.log[0])
normalize_documents(
    inputs=list(snakemake.input.documents),
    shard=int(snakemake.wildcards.shard),
    shards=snakemake.params.cfg["corpus"]["shards"],
    settings=snakemake.params.cfg["normalize"],
    output_path=snakemake.output.documents,
    ledger_path=snakemake.output.ledger,
)
