"""Put the ledgers of all stages together and prove that nothing was lost."""

from malmoi.curate.summary import sum_ledger
from malmoi.progress import log_to

log_to(snakemake.log[0])
sum_ledger(
    ledger_paths=snakemake.input,
    stages=snakemake.params.cfg["stages"],
    parquet_path=snakemake.output.ledger,
    csv_path=snakemake.output.csv,
    summary_path=snakemake.output.summary,
)
