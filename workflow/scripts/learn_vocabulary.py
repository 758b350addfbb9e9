"""Learn the WordPiece vocabulary from the training documents of all shards."""

from malmoi.progress import log_to
from malmoi.vocab.learn import learn_vocabulary

log_to(snakemake.log[0])
learn_vocabulary(
    list(snakemake.input),
    **snakemake.params.cfg["vocabulary"],
    seed=snakemake.params.cfg["seed"],
    output=snakemake.output[0],
)
