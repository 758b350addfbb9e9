"""Stage 1: read raw files of any format into documents."""


rule ingest:
    input:
        files=lambda wildcards: RAW[wildcards.source][wildcards.batch],
    output:
        documents="results/ingest/{source}/{batch}/documents.parquet",
        ledger="results/ingest/{source}/{batch}/ledger.parquet",
    log:
        "results/logs/ingest/{source}-{batch}.log",
    benchmark:
        "results/benchmarks/ingest/{source}-{batch}.tsv"
    conda:
        "../../envs/ingest.yaml"
    threads: 1
    resources:
        mem="2GB",
        runtime="4h",
    params:
        cfg=ingest_config,
        code=code("ingest.py"),
    script:
        "../scripts/ingest.py"
