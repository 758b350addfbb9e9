"""Fetch the tokenizer of an encoder on the Hub, and its weights where they are needed."""

from malmoi.progress import log_to
from malmoi.readers.download import fetch_encoder

log_to(snakemake.log[0])
fetch_encoder(**snakemake.params.cfg, folder=snakemake.output[0])
