"""Turn raw files of one source into documents."""

from pathlib import Path

from malmoi.progress import log_to
from malmoi.readers.ingest import ingest

log_to(snakemake.log[0])
source = snakemake.params.cfg
path = Path(source["path"])
ingest(
    source=source,
    files=list(snakemake.input.files),
    root=path if path.is_dir() else path.parent,
    documents_path=snakemake.output.documents,
    ledger_path=snakemake.output.ledger,
)
