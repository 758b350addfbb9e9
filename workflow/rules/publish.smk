"""Stage 10: packages with their evidence, and where they go."""

#: Templates that the cards of models, of the tokenizer and of the data set are made from.
MODEL_CARD, TOKENIZER_CARD, DATASET_CARD = (
    [f"malmoi/publish/{name}.md.jinja", "malmoi/publish/card_parts.md.jinja"]
    for name in ("card", "card_tokenizer", "card_dataset")
)


rule package:
    input:
        model="results/model/{experiment}",
        summary=lambda wildcards: f"results/ledger_summary{VARIANT_OF[wildcards.experiment]}.csv",
        ledger=lambda wildcards: f"results/ledger{VARIANT_OF[wildcards.experiment]}.parquet",
        manifests=of_experiment("results/instances{variant}/{phase}/manifest.json"),
        training=[
            "results/training/{experiment}/summary.json",
            "results/training/{experiment}/loss.png",
        ],
        evaluation=lambda wildcards: expand(
            "results/evaluation/{experiment}/{name}.json",
            experiment=wildcards.experiment,
            name=["pretraining", "intrinsic", *(f"task-{task}" for task in TASKS)],
        ),
        audit="results/evaluation/{experiment}/audit.json",
        vocabulary=lambda wildcards: f"results/vocabulary{VOCABULARY_OF[wildcards.experiment]}/measures.csv",
        segments=expand("results/segments/{shard}.parquet", shard=SHARDS),
        tokens=of_experiment("results/tokens{vocabulary}/{shard}.arrow", shard=SHARDS),
        # A model of segmented input takes them along.
        dictionaries=(
            config["segment"]["dictionaries"] if config["segment"]["input"] == "segmented" else []
        ),
    output:
        directory("results/package/{experiment}"),
    log:
        "results/logs/package/{experiment}.log",
    benchmark:
        "results/benchmarks/package/{experiment}.tsv"
    conda:
        "../../envs/publish.yaml"
    threads: 1
    resources:
        mem="4GB",
        runtime="1h",
    params:
        cfg=package_config,
        code=code("package_model.py", *MODEL_CARD),
    script:
        "../scripts/package_model.py"


rule publish:
    input:
        package="results/package/{experiment}",
    output:
        "results/published/{experiment}.json",
    log:
        "results/logs/publish/{experiment}.log",
    benchmark:
        "results/benchmarks/publish/{experiment}.tsv"
    conda:
        "../../envs/publish.yaml"
    threads: 1
    resources:
        mem="2GB",
        runtime="4h",
    params:
        cfg=publish_config,
        code=code("publish_model.py"),
    script:
        "../scripts/publish_model.py"


# Only where they have a repository: what all experiments share.
rule package_tokenizer:
    input:
        tokenizer="results/tokenizer",
        vocabulary="results/vocabulary/measures.csv",
        summary="results/ledger_summary.csv",
        ledger="results/ledger.parquet",
        segments=expand("results/segments/{shard}.parquet", shard=SHARDS),
        tokens=expand("results/tokens/{shard}.arrow", shard=SHARDS),
        dictionaries=(
            config["segment"]["dictionaries"] if config["segment"]["input"] == "segmented" else []
        ),
    output:
        directory("results/shared/tokenizer"),
    log:
        "results/logs/package_tokenizer.log",
    benchmark:
        "results/benchmarks/package_tokenizer.tsv"
    conda:
        "../../envs/publish.yaml"
    threads: 1
    resources:
        mem="4GB",
        runtime="1h",
    params:
        cfg=package_tokenizer_config(),
        code=code("package_tokenizer.py", *TOKENIZER_CARD),
    script:
        "../scripts/package_tokenizer.py"


rule package_dataset:
    input:
        documents=expand("results/curated/{shard}.parquet", shard=SHARDS),
        summary="results/ledger_summary.csv",
        ledger="results/ledger.parquet",
    output:
        directory("results/shared/dataset"),
    log:
        "results/logs/package_dataset.log",
    benchmark:
        "results/benchmarks/package_dataset.tsv"
    conda:
        "../../envs/publish.yaml"
    threads: 1
    resources:
        mem="4GB",
        runtime="4h",
    params:
        cfg=package_dataset_config(),
        code=code("package_dataset.py", *DATASET_CARD),
    script:
        "../scripts/package_dataset.py"


rule publish_shared:
    input:
        package="results/shared/{kind}",
    output:
        "results/published/shared/{kind}.json",
    log:
        "results/logs/publish_shared/{kind}.log",
    benchmark:
        "results/benchmarks/publish_shared/{kind}.tsv"
    conda:
        "../../envs/publish.yaml"
    threads: 1
    resources:
        mem="2GB",
        runtime="4h",
    params:
        cfg=publish_shared_config,
        code=code("publish_model.py"),
    script:
        "../scripts/publish_model.py"
