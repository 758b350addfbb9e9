"""Repair the text of one shard of documents and mask personal data in it."""

from malmoi.progress import log_to
from malmoi.text.normalize import normalize_documents

log_to(snakemake.log[0])
normalize_documents(
    inputs=list(snakemake.input.documents),
    settings=snakemake.params.cfg["normalize"],
    takedown=snakemake.params.cfg["takedown"],
    output_path=snakemake.output.documents,
    ledger_path=snakemake.output.ledger,
    repairs_path=snakemake.output.repairs,
)
