"""Measure what a pretrained model knows before any fine-tuning."""

from malmoi.evaluation.intrinsic import evaluate_intrinsic
from malmoi.progress import log_to

log_to(snakemake.log[0])
evaluate_intrinsic(
    model_dir=snakemake.input.model,
    segments=list(snakemake.input.segments),
    tokens=list(snakemake.input.tokens),
    terms=list(snakemake.input.terms),
    settings=snakemake.params.cfg["evaluate"]["intrinsic"],
    objective=snakemake.params.cfg["objective"],
    seed=snakemake.params.cfg["seed"],
    output_json=snakemake.output.json,
    output_csv=snakemake.output.csv,
    output_png=snakemake.output.png,
    threads=snakemake.threads,
)
