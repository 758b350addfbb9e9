"""Fine-tune a model on one classification task and score it beside its baselines."""

from malmoi.evaluation.classification import evaluate_classification
from malmoi.progress import log_to

log_to(snakemake.log[0])
evaluate_classification(
    model_dir=snakemake.input.model,
    inputs=list(snakemake.input.documents),
    task=snakemake.params.cfg["task"],
    output_json=snakemake.output.scores,
    predictions_csv=snakemake.output.predictions,
    threads=snakemake.threads,
)
