"""Learn vocabularies of several kinds and sizes from a sample and mark those that no other one beats."""

from malmoi.progress import log_to
from malmoi.vocab.sweep import sweep

log_to(snakemake.log[0])
settings = snakemake.params.cfg["vocabulary"]
chosen = settings.pop("sweep")
sweep(
    list(snakemake.input),
    **chosen,
    **settings,
    seed=snakemake.params.cfg["seed"],
    output_csv=snakemake.output.table,
    output_png=snakemake.output.figure,
)
