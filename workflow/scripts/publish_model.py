"""Publish the package and write its receipt."""

from malmoi.progress import log_to
from malmoi.publish.targets import publish

log_to(snakemake.log[0])
publish(snakemake.input.package, snakemake.output[0], snakemake.params.cfg)
