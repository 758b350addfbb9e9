"""Leave out documents that are no Korean prose."""

from malmoi.curate.filters import filter_documents
from malmoi.progress import log_to

log_to(snakemake.log[0])
filter_documents(
    input_path=snakemake.input[0],
    settings=snakemake.params.cfg["curate"]["filters"],
    output_path=snakemake.output.documents,
    ledger_path=snakemake.output.ledger,
)
