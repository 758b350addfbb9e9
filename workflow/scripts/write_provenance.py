"""Say where all models of a run come from."""

from pathlib import Path

from malmoi.progress import log_to
from malmoi.publish.run_provenance import write_provenance

log_to(snakemake.log[0])
sources = {}
for path in snakemake.input.digests:
    sources.setdefault(Path(path).parts[-3], []).append(path)
write_provenance(
    snakemake.output[0],
    sources=sources,
    comparison=snakemake.input.comparison,
    packages={Path(path).name: path for path in snakemake.input.packages},
)
