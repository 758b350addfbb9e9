"""Find sentences and morphemes of one shard of documents."""

from malmoi.morphology.segments import segment_documents
from malmoi.progress import log_to

log_to(snakemake.log[0])
segment_documents(
    input_path=snakemake.input.documents,
    dictionaries=snakemake.input.dictionaries,
    workers=snakemake.threads,
    output_path=snakemake.output.segments,
    ledger_path=snakemake.output.ledger,
)
