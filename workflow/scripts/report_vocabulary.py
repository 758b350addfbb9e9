"""Measure the vocabulary on documents left out, beside those it is compared with."""

from malmoi.progress import log_to
from malmoi.vocab.report import report_vocabulary

log_to(snakemake.log[0])
report_vocabulary(
    list(snakemake.input.segments),
    snakemake.input.tokenizer,
    terms=list(snakemake.input.terms),
    **snakemake.params.cfg["vocabulary"],
    seed=snakemake.params.cfg["seed"],
    measures_csv=snakemake.output.measures,
    coverage_csv=snakemake.output.coverage,
    boundaries_png=snakemake.output.boundaries_figure,
    coverage_png=snakemake.output.coverage_figure,
    page=snakemake.output.page,
)
