"""Leave out duplicates and put the other documents into splits."""

from malmoi.curate.splits import split_documents
from malmoi.progress import log_to

log_to(snakemake.log[0])
split_documents(
    input_path=snakemake.input.documents,
    clusters_path=snakemake.input.clusters,
    settings=snakemake.params.cfg["curate"]["split"],
    seed=snakemake.params.cfg["seed"],
    output_path=snakemake.output.documents,
    ledger_path=snakemake.output.ledger,
)
