"""Look through the corpus for words that a dictionary should have."""

from malmoi.morphology.proposals import propose_dictionary
from malmoi.progress import log_to

log_to(snakemake.log[0])
propose_dictionary(
    list(snakemake.input.segments),
    settings=snakemake.params.cfg["segment"],
    dictionaries=list(snakemake.input.dictionaries),
    workers=snakemake.threads,
    seed=snakemake.params.cfg["seed"],
    output_path=snakemake.output[0],
)
