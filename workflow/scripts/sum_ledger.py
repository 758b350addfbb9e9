"""Put the ledgers of all stages together and prove that nothing was lost."""

from malmoi.curate.summary import sum_ledger
from malmoi.progress import log_to

log_to(snakemake.log[0])
phases = snakemake.params.cfg["instances"]["phases"]
sum_ledger(
    ledger_paths=snakemake.input,
    stages=[
        *("ingest", "normalize", "filter", "deduplicate", "segment", "tokenize"),
        # Each phase is made from the tokens, not from the phase before it.
        [f"instances-{phase['name']}" for phase in phases],
    ],
    parquet_path=snakemake.output.ledger,
    csv_path=snakemake.output.csv,
    summary_path=snakemake.output.summary,
)
