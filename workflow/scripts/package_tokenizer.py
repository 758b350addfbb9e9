"""Put the tokenizer alone together with card, evidence and checksums once the gates are passed."""

from malmoi.progress import log_to
from malmoi.publish.tokenizer_package import build_tokenizer_package

log_to(snakemake.log[0])
build_tokenizer_package(
    snakemake.output[0],
    tokenizer=snakemake.input.tokenizer,
    vocabulary=snakemake.input.vocabulary,
    summary=snakemake.input.summary,
    ledger=snakemake.input.ledger,
    segments=snakemake.input.segments,
    tokens=snakemake.input.tokens,
    **snakemake.params.cfg,
)
