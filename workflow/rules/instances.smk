"""Stage 7: next-sentence pairs with masked words, one set per sequence length."""


rule instances:
    input:
        tokens="results/tokens/{shard}.arrow",
        tokenizer="results/tokenizer",
    output:
        instances="results/instances/{phase}/train/{shard}.arrow",
        statistics="results/instances/{phase}/train/{shard}.json",
        ledger="results/ledger/instances/{phase}/train/{shard}.parquet",
    log:
        "results/logs/instances/{phase}-train-{shard}.log",
    benchmark:
        "results/benchmarks/instances/{phase}-train-{shard}.tsv"
    conda:
        "../../envs/tokenizer.yaml"
    threads: 1
    resources:
        mem="8GB",
        runtime="4h",
    params:
        cfg=lambda wildcards: instances_config(wildcards, "train"),
        code=code("build_instances.py"),
    script:
        "../scripts/build_instances.py"


rule held_out_instances:
    input:
        tokens=expand("results/tokens/{shard}.arrow", shard=SHARDS),
        tokenizer="results/tokenizer",
    output:
        instances="results/instances/{phase}/{split}/all.arrow",
        statistics="results/instances/{phase}/{split}/all.json",
        ledger="results/ledger/instances/{phase}/{split}/all.parquet",
    log:
        "results/logs/instances/{phase}-{split}-all.log",
    benchmark:
        "results/benchmarks/instances/{phase}-{split}-all.tsv"
    conda:
        "../../envs/tokenizer.yaml"
    threads: 1
    resources:
        mem="8GB",
        runtime="4h",
    params:
        cfg=lambda wildcards: instances_config(wildcards, wildcards.split),
        code=code("build_instances.py"),
    script:
        "../scripts/build_instances.py"


rule instances_manifest:
    input:
        train=expand("results/instances/{{phase}}/train/{shard}.json", shard=TRAINED),
        validation="results/instances/{phase}/validation/all.json",
        test="results/instances/{phase}/test/all.json",
    output:
        "results/instances/{phase}/manifest.json",
    log:
        "results/logs/instances/{phase}-manifest.log",
    benchmark:
        "results/benchmarks/instances/{phase}-manifest.tsv"
    conda:
        "../../envs/tokenizer.yaml"
    threads: 1
    resources:
        mem="1GB",
        runtime="10m",
    params:
        code=code("instances_manifest.py"),
    script:
        "../scripts/instances_manifest.py"
