"""Turn raw files of one source into documents."""

from malmoi.progress import log_to
from malmoi.readers.ingest import ingest

log_to(snakemake.log[0])
ingest(
    source=snakemake.params.source,
    files=list(snakemake.input.files),
    root=snakemake.params.root,
    documents_path=snakemake.output.documents,
    ledger_path=snakemake.output.ledger,
)
