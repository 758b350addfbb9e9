"""malmoi: raw Korean documents in, a domain BERT out.

    snakemake --cores 8 --use-conda                  # the whole job on the corpus of config.yaml
    snakemake --cores 8 --configfile my.yaml         # an experiment: only what it changes reruns
    snakemake -n                                     # what would run, and why
    snakemake --report report.html                   # figures, tables and provenance in one file

The stages are in workflow/rules, in pipeline order; docs/architecture.md says what each reads and writes.
"""

from snakemake.utils import min_version

min_version("9.1.0")


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


# Built from the Dockerfile; `--sdm conda apptainer` alone looks at it: docs/clusters.md.
containerized: "malmoi.sif"


include: "workflow/rules/common.smk"
include: "workflow/rules/ingest.smk"
include: "workflow/rules/corpus.smk"
include: "workflow/rules/tokenizer.smk"
include: "workflow/rules/instances.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/publish.smk"
include: "workflow/rules/report.smk"


localrules:
    all,


rule all:
    default_target: True
    input:
        ASKED,
        "results/provenance.json",
        "results/benchmarks.csv",
        rules.report_pages.output,
