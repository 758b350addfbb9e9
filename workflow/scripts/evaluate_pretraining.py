"""Measure the pretraining objectives on held-out instances."""

from malmoi.evaluation.pretraining import evaluate_pretraining
from malmoi.progress import log_to

log_to(snakemake.log[0])
evaluate_pretraining(
    model_dir=snakemake.input.model,
    instance_paths={
        "validation": list(snakemake.input.validation),
        "test": list(snakemake.input.test),
    },
    train_paths=list(snakemake.input.train),
    seed=snakemake.params.cfg["seed"],
    batch_size=snakemake.params.cfg["evaluate"]["batch_size"],
    output_json=snakemake.output[0],
    threads=snakemake.threads,
)
