"""Turn raw files of one source into documents."""

from malmoi.progress import log_to
from malmoi.readers.ingest import ingest

log_to(snakemake.log[0])
ingest(
    source=snakemake.params.cfg["source"],
    files=list(snakemake.input.files),
    root=snakemake.params.cfg["root"],
    takedown=snakemake.params.cfg["takedown"],
    documents_paths=list(snakemake.output.documents),
    digest_paths=list(snakemake.output.digests),
    ledger_path=snakemake.output.ledger,
)
