"""Stage 10: a package with its evidence, and where it goes."""


rule package:
    input:
        model="results/model/{experiment}",
        summary="results/ledger_summary.csv",
        manifests=lambda wildcards: expand(
            "results/instances/{phase}/manifest.json", phase=pretrain_phases(wildcards)
        ),
        training=[
            "results/training/{experiment}/summary.json",
            "results/training/{experiment}/loss.png",
        ],
        evaluation=lambda wildcards: expand(
            "results/evaluation/{experiment}/{name}.json",
            experiment=wildcards.experiment,
            name=["pretraining", *(f"classification-{task}" for task in TASKS)],
        ),
        segments=expand("results/segments/{shard}.parquet", shard=SHARDS),
        tokens=expand("results/tokens/{shard}.arrow", shard=SHARDS),
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
        code=code("package_model.py", "malmoi/publish/card.md.jinja"),
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
