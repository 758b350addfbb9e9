"""Stage 7: next-sentence pairs with masked words, one set per sequence length."""


rule instances:
    input:
        tokens=lambda wildcards: f"results/tokens{vocabulary_of(wildcards)}/{wildcards.shard}.arrow",
        tokenizer=lambda wildcards: f"results/tokenizer{vocabulary_of(wildcards)}",
    output:
        instances="results/instances{variant}/{phase}/train/{shard}.arrow",
        statistics="results/instances{variant}/{phase}/train/{shard}.json",
        ledger="results/ledger/instances{variant}/{phase}/train/{shard}.parquet",
    log:
        "results/logs/instances{variant}/{phase}-train-{shard}.log",
    benchmark:
        "results/benchmarks/instances{variant}/{phase}-train-{shard}.tsv"
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
        tokens=of_variant("results/tokens{vocabulary}/{shard}.arrow", shard=SHARDS),
        tokenizer=lambda wildcards: f"results/tokenizer{vocabulary_of(wildcards)}",
    output:
        instances="results/instances{variant}/{phase}/{split}/all.arrow",
        statistics="results/instances{variant}/{phase}/{split}/all.json",
        ledger="results/ledger/instances{variant}/{phase}/{split}/all.parquet",
    log:
        "results/logs/instances{variant}/{phase}-{split}-all.log",
    benchmark:
        "results/benchmarks/instances{variant}/{phase}-{split}-all.tsv"
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
        train=expand("results/instances{{variant}}/{{phase}}/train/{shard}.json", shard=TRAINED),
        validation="results/instances{variant}/{phase}/validation/all.json",
        test="results/instances{variant}/{phase}/test/all.json",
    output:
        "results/instances{variant}/{phase}/manifest.json",
    log:
        "results/logs/instances{variant}/{phase}-manifest.log",
    benchmark:
        "results/benchmarks/instances{variant}/{phase}-manifest.tsv"
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
