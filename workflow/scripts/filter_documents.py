"""Leave out documents that are no Korean prose or hold an item of an evaluation set."""

from malmoi.curate.filters import filter_documents
from malmoi.progress import log_to

log_to(snakemake.log[0])
settings = snakemake.params.cfg["curate"]
filter_documents(
    input_path=snakemake.input.documents,
    settings=settings["filters"] | settings["decontaminate"],
    evaluation_sets=settings["decontaminate"]["sets"],
    output_path=snakemake.output.documents,
    ledger_path=snakemake.output.ledger,
)
