"""Stage 8: pretraining under DeepSpeed. Checkpoints are no outputs, so that nothing ever deletes them."""


rule pretrain:
    input:
        manifests=of_experiment("results/instances{variant}/{phase}/manifest.json"),
        train=of_experiment("results/instances{variant}/{phase}/train/{shard}.arrow", shard=TRAINED),
        held_out=of_experiment("results/instances{variant}/{phase}/validation/all.arrow"),
        tokenizer=lambda wildcards: f"results/tokenizer{VOCABULARY_OF[wildcards.experiment]}",
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
            labels={
                "result": "loss, accuracy, rate and speed (figure)",
                "experiment": "{experiment}",
            },
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
