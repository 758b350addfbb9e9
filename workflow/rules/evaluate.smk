"""Stage 9: held-out figures and fine-tuning beside their baselines."""


rule evaluate_pretraining:
    input:
        model="results/model/{experiment}",
        validation=lambda wildcards: expand(
            "results/instances/{phase}/validation/all.arrow", phase=pretrain_phases(wildcards)[-1]
        ),
        test=lambda wildcards: expand(
            "results/instances/{phase}/test/all.arrow", phase=pretrain_phases(wildcards)[-1]
        ),
        train=lambda wildcards: expand(
            "results/instances/{phase}/train/{shard}.arrow",
            phase=pretrain_phases(wildcards)[-1],
            shard=SHARDS,
        ),
    output:
        "results/evaluation/{experiment}/pretraining.json",
    log:
        "results/logs/evaluate/{experiment}-pretraining.log",
    benchmark:
        "results/benchmarks/evaluate/{experiment}-pretraining.tsv"
    conda:
        "../../envs/evaluate.yaml"
    threads: 2
    resources:
        mem="8GB",
        runtime="4h",
    params:
        cfg=stage("seed", "evaluate.batch_size"),
        code=code("evaluate_pretraining.py"),
    script:
        "../scripts/evaluate_pretraining.py"


rule evaluate_classification:
    input:
        model="results/model/{experiment}",
        documents=expand("results/segments/{shard}.parquet", shard=SHARDS),
    output:
        scores="results/evaluation/{experiment}/classification-{task}.json",
        predictions="results/evaluation/{experiment}/classification-{task}-predictions.csv",
    log:
        "results/logs/evaluate/{experiment}-{task}.log",
    benchmark:
        "results/benchmarks/evaluate/{experiment}-{task}.tsv"
    conda:
        "../../envs/evaluate.yaml"
    threads: 2
    resources:
        mem="8GB",
        runtime="4h",
    params:
        cfg=lambda wildcards: {"task": pick(TASKS, wildcards.task)[wildcards.task]},
        code=code("evaluate_classification.py"),
    script:
        "../scripts/evaluate_classification.py"


rule compare:
    input:
        results=expand("results/evaluation/{experiment}/pretraining.json", experiment=EXPERIMENTS)
        + expand(
            "results/evaluation/{experiment}/classification-{task}.json",
            experiment=EXPERIMENTS,
            task=TASKS,
        ),
    output:
        csv="results/evaluation/comparison.csv",
        html=report(
            "results/evaluation/comparison.html",
            caption="../report/comparison.rst",
            category="Evaluation",
            labels={"table": "comparison"},
        ),
        png=report(
            "results/evaluation/comparison.png",
            caption="../report/comparison.rst",
            category="Evaluation",
            labels={"figure": "comparison"},
        ),
    log:
        "results/logs/evaluate/comparison.log",
    benchmark:
        "results/benchmarks/evaluate/comparison.tsv"
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem="2GB",
        runtime="10m",
    params:
        cfg={"experiments": EXPERIMENTS},
        code=code("compare_experiments.py"),
    script:
        "../scripts/compare_experiments.py"
