"""Find sentences and morphemes of one shard of documents."""

from malmoi.morphology.segments import segment_documents
from malmoi.progress import log_to

log_to(snakemake.log[0])
segment_documents(
    input_path=snakemake.input.documents,
    settings=snakemake.params.cfg["segment"],
    dictionaries=list(snakemake.input.dictionaries),
    # No declared output: Snakemake would delete it before a rerun, which is what it is for.
    cache_path=f"results/cache/segment/{snakemake.wildcards.shard}.arrow",
    workers=snakemake.threads,
    output_path=snakemake.output.segments,
    changes_path=snakemake.output.changes,
    ledger_path=snakemake.output.ledger,
)
