"""Stages 4 to 6: morphemes as offsets, a vocabulary that knows them, and the corpus as token ids."""


rule segment:
    input:
        documents="results/curated/{shard}.parquet",
        dictionaries=config["segment"]["dictionaries"],
        digest=ancient("results/dedup/{shard}.sha256"),
    output:
        segments="results/segments/{shard}.parquet",
        ledger="results/ledger/segment/{shard}.parquet",
    log:
        "results/logs/segment/{shard}.log",
    benchmark:
        "results/benchmarks/segment/{shard}.tsv"
    conda:
        "../../envs/tokenizer.yaml"
    threads: 2
    resources:
        mem="4GB",
        runtime="12h",
    params:
        code=code("segment.py"),
    script:
        "../scripts/segment.py"


rule vocabulary:
    input:
        expand("results/segments/{shard}.parquet", shard=SHARDS),
    output:
        directory("results/tokenizer"),
    log:
        "results/logs/vocabulary.log",
    benchmark:
        "results/benchmarks/vocabulary.tsv"
    conda:
        "../../envs/tokenizer.yaml"
    threads: 2
    resources:
        mem="8GB",
        runtime="4h",
    params:
        cfg=stage("seed", "vocabulary"),
        code=code("learn_vocabulary.py"),
    script:
        "../scripts/learn_vocabulary.py"


rule tokenize:
    input:
        segments="results/segments/{shard}.parquet",
        tokenizer="results/tokenizer",
    output:
        tokens="results/tokens/{shard}.arrow",
        ledger="results/ledger/tokenize/{shard}.parquet",
    log:
        "results/logs/tokenize/{shard}.log",
    benchmark:
        "results/benchmarks/tokenize/{shard}.tsv"
    conda:
        "../../envs/tokenizer.yaml"
    threads: 1
    resources:
        mem="4GB",
        runtime="4h",
    params:
        code=code("tokenize_documents.py"),
    script:
        "../scripts/tokenize_documents.py"
