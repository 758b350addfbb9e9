"""Set the evaluations of all experiments side by side."""

from pathlib import Path

from malmoi.evaluation.comparison import compare
from malmoi.progress import log_to

log_to(snakemake.log[0])
compare(
    results={
        name: [path for path in snakemake.input.results if Path(path).parent.name == name]
        for name in snakemake.params.cfg["experiments"]
    },
    summaries=dict(
        zip(snakemake.params.cfg["experiments"], snakemake.input.summaries, strict=True)
    ),
    csv_path=snakemake.output.csv,
    html_path=snakemake.output.html,
    png_path=snakemake.output.png,
)
