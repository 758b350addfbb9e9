"""Say what each stage of the run took."""

from pathlib import Path

from malmoi.planning.stages import write_table
from malmoi.progress import log_to

log_to(snakemake.log[0])
write_table(snakemake.output[0], results=Path("results"), raw=list(snakemake.input.raw))
