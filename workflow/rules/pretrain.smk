"""Stage 8: pretraining under DeepSpeed. Checkpoints are no outputs, so that nothing ever deletes them."""


rule pretrain:
    input:
        manifests=lambda wildcards: expand(
            "results/instances/{phase}/manifest.json", phase=pretrain_phases(wildcards)
        ),
        train=lambda wildcards: expand(
            "results/instances/{phase}/train/{shard}.arrow",
            phase=pretrain_phases(wildcards),
            shard=TRAINED,
        ),
        held_out=lambda wildcards: expand(
            "results/instances/{phase}/validation/all.arrow", phase=pretrain_phases(wildcards)
        ),
        tokenizer="results/tokenizer",
        init=pretrain_init,
    output:
        model=directory("results/model/{experiment}"),
        log="results/training/{experiment}/log.parquet",
        held_out="results/training/{experiment}/held_out.parquet",
        summary="results/training/{experiment}/summary.json",
        deepspeed="results/training/{experiment}/deepspeed.json",
        curve=report(
            "results/training/{experiment}/loss.png",
            caption="../report/loss.rst",
            category="Pretraining",
            labels={"figure": "loss and accuracy", "experiment": "{experiment}"},
        ),
    log:
        "results/logs/pretrain/{experiment}.log",
    benchmark:
        "results/benchmarks/pretrain/{experiment}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: pretrain_threads
    resources:
        mem="16GB",
        runtime="24h",
    params:
        cfg=pretrain_config,
        code=code("pretrain.py", "malmoi/training/__main__.py"),
    script:
        "../scripts/pretrain.py"
