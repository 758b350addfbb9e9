"""Look for what a model remembers of its training documents."""

from malmoi.audit.model_audit import audit_model
from malmoi.progress import log_to

log_to(snakemake.log[0])
canaries = list(snakemake.input.canaries)
audit_model(
    model_dir=snakemake.input.model,
    tokens=list(snakemake.input.tokens),
    segments=list(snakemake.input.segments),
    canaries=canaries[0] if canaries else None,
    summary=snakemake.input.summary,
    settings=snakemake.params.cfg["evaluate"]["audit"],
    seed=snakemake.params.cfg["seed"],
    output_json=snakemake.output.json,
    output_csv=snakemake.output.csv,
    output_png=snakemake.output.png,
    threads=snakemake.threads,
    share=snakemake.params.cfg["instances"]["share"],
)
