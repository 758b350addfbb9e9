"""Pretrain one experiment's model, from its newest checkpoint on."""

from pathlib import Path

from malmoi.progress import log_to
from malmoi.training.launch import launch
from malmoi.training.plan import make_plan

log_to(snakemake.log[0])
launch(
    make_plan(
        settings=snakemake.params.cfg["pretrain"],
        seed=snakemake.params.cfg["seed"],
        manifests=list(snakemake.input.manifests),
        tokenizer=snakemake.input.tokenizer,
        init=snakemake.params.cfg["init"],
        code=snakemake.params.code,
        checkpoints="results/checkpoints",
        model_output=snakemake.output.model,
        log_output=str(Path(snakemake.output.summary).parent),
        message_log=snakemake.log[0],
    )
)
