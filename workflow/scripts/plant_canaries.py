"""Write made secrets as training documents of their own, so that an audit can look for them."""

from malmoi.audit.canaries import plant
from malmoi.progress import log_to

log_to(snakemake.log[0])
settings = snakemake.params.cfg["evaluate"]["audit"]
plant(
    seed=snakemake.params.cfg["seed"],
    counts=settings["counts"],
    per_format=settings["per_format"],
    documents_path=snakemake.output.documents,
    digest_path=snakemake.output.digest,
    table_path=snakemake.output.table,
    ledger_path=snakemake.output.ledger,
)
