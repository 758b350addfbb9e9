"""Fine-tune a model on one task and score it beside its baselines."""

from malmoi.evaluation.downstream import evaluate_task
from malmoi.progress import log_to

log_to(snakemake.log[0])
evaluate_task(
    model_dir=snakemake.input.model,
    inputs=list(snakemake.input.documents),
    task=snakemake.params.cfg["task"],
    encoders=snakemake.params.cfg["encoders"],
    output_json=snakemake.output.scores,
    predictions_csv=snakemake.output.predictions,
    threads=snakemake.threads,
)
