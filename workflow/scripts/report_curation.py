"""Show what curation did to the corpus."""

from malmoi.curate.report import FIGURES, TABLES, write_report
from malmoi.progress import log_to

log_to(snakemake.log[0])
write_report(
    ledger_paths=list(snakemake.input.ledgers),
    repairs_paths=list(snakemake.input.repairs),
    clusters_path=snakemake.input.clusters,
    table_paths=dict(zip(TABLES, snakemake.output.tables, strict=True)),
    figure_paths=dict(zip(FIGURES, snakemake.output.figures, strict=True)),
)
