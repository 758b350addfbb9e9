"""Put the text that may be passed on together with card, evidence and checksums once the gates are passed."""

from malmoi.progress import log_to
from malmoi.publish.dataset_package import build_dataset_package

log_to(snakemake.log[0])
build_dataset_package(
    snakemake.output[0],
    documents=snakemake.input.documents,
    summary=snakemake.input.summary,
    ledger=snakemake.input.ledger,
    **snakemake.params.cfg,
)
