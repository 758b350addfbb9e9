"""Turn one shard of segments into token ids."""

from malmoi.progress import log_to
from malmoi.vocab.tokens import tokenize_documents

log_to(snakemake.log[0])
tokenize_documents(
    input_path=snakemake.input.segments,
    tokenizer_folder=snakemake.input.tokenizer,
    output_path=snakemake.output.tokens,
    ledger_path=snakemake.output.ledger,
)
