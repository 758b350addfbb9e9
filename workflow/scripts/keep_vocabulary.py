"""Take a tokenizer that exists in place of learning one."""

from malmoi.progress import log_to
from malmoi.vocab.kept import keep_vocabulary

log_to(snakemake.log[0])
keep_vocabulary(snakemake.params.cfg["folder"], snakemake.output[0])
