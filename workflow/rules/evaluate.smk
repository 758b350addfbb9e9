"""Stage 9: held-out figures, fine-tuning beside its baselines, and what a model remembers.

Each job has one thread: with more, sums have another order and figures other last digits, so that they would
depend on the cores a run is given. Jobs run side by side.
"""


rule evaluate_pretraining:
    input:
        model="results/model/{experiment}",
        validation=of_experiment("results/instances{variant}/{last}/validation/all.arrow"),
        test=of_experiment("results/instances{variant}/{last}/test/all.arrow"),
        train=of_experiment("results/instances{variant}/{last}/train/{shard}.arrow", shard=SHARDS),
    output:
        "results/evaluation/{experiment}/pretraining.json",
    log:
        "results/logs/evaluate/{experiment}-pretraining.log",
    benchmark:
        "results/benchmarks/evaluate/{experiment}-pretraining.tsv"
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem="8GB",
        runtime="4h",
    params:
        cfg=stage("seed", "evaluate.batch_size"),
        code=code("evaluate_pretraining.py"),
    script:
        "../scripts/evaluate_pretraining.py"


rule evaluate_intrinsic:
    input:
        model="results/model/{experiment}",
        segments=expand("results/segments/{shard}.parquet", shard=SHARDS),
        tokens=of_experiment("results/tokens{vocabulary}/{shard}.arrow", shard=SHARDS),
        terms=[SCRIPTS / TERM_LISTS[name] for name in config["segment"]["terms"]]
        + config["segment"]["dictionaries"],
    output:
        json="results/evaluation/{experiment}/intrinsic.json",
        csv="results/evaluation/{experiment}/intrinsic.csv",
        png=report(
            "results/evaluation/{experiment}/intrinsic.png",
            caption="../report/intrinsic.rst",
            category="Evaluation",
            labels={"result": "before fine-tuning (figure)", "experiment": "{experiment}"},
        ),
    log:
        "results/logs/evaluate/{experiment}-intrinsic.log",
    benchmark:
        "results/benchmarks/evaluate/{experiment}-intrinsic.tsv"
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem="8GB",
        runtime="4h",
    params:
        cfg=intrinsic_config,
        code=code("evaluate_intrinsic.py", "malmoi/evaluation/homographs.tsv"),
    script:
        "../scripts/evaluate_intrinsic.py"


rule evaluate_task:
    input:
        model="results/model/{experiment}",
        documents=task_documents,
        files=lambda wildcards: task_files(TASKS[wildcards.task]),
        encoders=[
            str(path)
            for encoder in config["evaluate"]["baselines"]
            for path in encoder_files(encoder, "encoder")
            if not encoder.get("revision")
        ],
    output:
        scores="results/evaluation/{experiment}/task-{task}.json",
        predictions="results/evaluation/{experiment}/task-{task}-predictions.csv",
    log:
        "results/logs/evaluate/{experiment}-{task}.log",
    benchmark:
        "results/benchmarks/evaluate/{experiment}-{task}.tsv"
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem="8GB",
        runtime="4h",
    params:
        cfg=task_config,
        code=code("evaluate_task.py"),
    script:
        "../scripts/evaluate_task.py"


# Only where they are asked for: documents that come in after everything that could merge or drop them.
rule plant_canaries:
    output:
        documents="results/curated/canaries.parquet",
        digest="results/dedup/canaries.sha256",
        table="results/audit/canaries.csv",
        ledger="results/audit/canaries-ledger.parquet",
    log:
        "results/logs/plant_canaries.log",
    benchmark:
        "results/benchmarks/plant_canaries.tsv"
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem="1GB",
        runtime="10m",
    params:
        cfg=stage("seed", "evaluate.audit.counts", "evaluate.audit.per_format"),
        code=code("plant_canaries.py"),
    script:
        "../scripts/plant_canaries.py"


ruleorder: plant_canaries > split


rule audit:
    input:
        model="results/model/{experiment}",
        summary="results/training/{experiment}/summary.json",
        tokens=of_experiment("results/tokens{vocabulary}/{shard}.arrow", shard=SHARDS),
        segments=expand("results/segments/{shard}.parquet", shard=SHARDS),
        canaries=expand("results/audit/{shard}.csv", shard=PLANTED),
    output:
        json="results/evaluation/{experiment}/audit.json",
        csv="results/evaluation/{experiment}/audit.csv",
        png=report(
            "results/evaluation/{experiment}/audit.png",
            caption="../report/audit.rst",
            category="Evaluation",
            labels={"result": "memorisation audit (figure)", "experiment": "{experiment}"},
        ),
    log:
        "results/logs/evaluate/{experiment}-audit.log",
    benchmark:
        "results/benchmarks/evaluate/{experiment}-audit.tsv"
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem="8GB",
        runtime="2h",
    params:
        cfg=audit_config,
        code=code("audit_model.py"),
    script:
        "../scripts/audit_model.py"


rule compare:
    input:
        results=expand(
            "results/evaluation/{experiment}/{part}.json",
            experiment=EXPERIMENTS,
            part=("pretraining", "intrinsic"),
        )
        + expand(
            "results/evaluation/{experiment}/task-{task}.json",
            experiment=EXPERIMENTS,
            task=TASKS,
        ),
        summaries=expand("results/training/{experiment}/summary.json", experiment=EXPERIMENTS),
    output:
        csv="results/evaluation/comparison.csv",
        html=report(
            "results/evaluation/comparison.html",
            caption="../report/comparison.rst",
            category="Evaluation",
            labels={"result": "all experiments (table)"},
        ),
        png=report(
            "results/evaluation/comparison.png",
            caption="../report/comparison.rst",
            category="Evaluation",
            labels={"result": "all experiments (figure)"},
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
