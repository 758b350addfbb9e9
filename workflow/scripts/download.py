"""Fetch one raw file of a source."""

from malmoi.progress import log_to
from malmoi.readers.download import fetch_dataset_file, fetch_url

log_to(snakemake.log[0])
cfg = snakemake.params.cfg
if "url" in cfg:
    fetch_url(cfg["url"], cfg["sha256"], snakemake.output[0])
else:
    fetch_dataset_file(
        cfg["dataset"], cfg["revision"], snakemake.wildcards.file, snakemake.output[0]
    )
