"""Build the training instances of one shard, or of all held-out documents."""

from malmoi.instances.build import build_instances
from malmoi.progress import log_to

log_to(snakemake.log[0])
cfg = snakemake.params.cfg
tokens = snakemake.input.tokens
build_instances(
    [tokens] if isinstance(tokens, str) else list(tokens),
    f"{snakemake.input.tokenizer}/vocab.txt",
    split=cfg["split"],
    phase=cfg["phase"]["name"],
    max_seq_length=cfg["phase"]["max_seq_length"],
    pairs=cfg["instances"]["pairs"],
    masking=cfg["instances"]["masking"],
    duplicates=cfg["instances"]["duplicates"],
    share=cfg["instances"]["share"],
    seed=cfg["seed"],
    output_path=snakemake.output.instances,
    ledger_path=snakemake.output.ledger,
    statistics_path=snakemake.output.statistics,
)
