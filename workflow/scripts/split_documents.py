"""Leave out duplicates and repeated sections, and put the other documents into splits."""

from malmoi.curate.splits import split_documents
from malmoi.progress import log_to

log_to(snakemake.log[0])
settings = snakemake.params.cfg["curate"]
split_documents(
    input_path=snakemake.input.documents,
    drops_path=snakemake.input.drops,
    settings=settings["split"] | settings["dedup"],
    seed=snakemake.params.cfg["seed"],
    output_path=snakemake.output.documents,
    ledger_path=snakemake.output.ledger,
)
