"""Put model, card, evidence and checksums together once the gates are passed."""

from malmoi.progress import log_to
from malmoi.publish.package import build_package

log_to(snakemake.log[0])
build_package(
    snakemake.output[0],
    experiment=snakemake.wildcards.experiment,
    model=snakemake.input.model,
    summary=snakemake.input.summary,
    ledger=snakemake.input.ledger,
    manifests=snakemake.input.manifests,
    training=snakemake.input.training,
    evaluation=snakemake.input.evaluation,
    audit=snakemake.input.audit,
    vocabulary=snakemake.input.vocabulary,
    segments=snakemake.input.segments,
    tokens=snakemake.input.tokens,
    **snakemake.params.cfg,
)
