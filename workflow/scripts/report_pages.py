"""Make pages of the run's tables for its report."""

from malmoi.progress import log_to
from malmoi.report.pages import write_pages

log_to(snakemake.log[0])
write_pages(inputs=list(snakemake.input), outputs=list(snakemake.output))
