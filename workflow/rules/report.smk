"""What a whole run came to: where its models come from, what it took, and its tables as pages of the report."""

#: What a run is asked for, but for what is told of it here.
ASKED = [
    *expand("results/published/{experiment}.json", experiment=EXPERIMENTS),
    *(
        f"results/published/shared/{kind}.json"
        for kind in SHARED
        if config["publish"][f"{kind}_repo_id"]
    ),
    "results/evaluation/comparison.csv",
    *expand("results/ledger_summary{variant}.csv", variant=sorted(set(VARIANT_OF.values()))),
    "results/curation/sources.csv",
    *expand(
        "results/vocabulary{vocabulary}/measures.csv",
        vocabulary=sorted(set(VOCABULARY_OF.values())),
    ),
]

#: Tables and JSON files that the report shows as pages: path without ``results/``, category, caption and labels.
SHOWN = [
    *(
        (f"curation/{name}.csv", "Curation", "curation", {"result": f"{title} (table)"})
        for name, title in CURATION.items()
        if name != "lengths"
    ),
    *(
        (f"ledger_summary{variant}.csv", "Corpus", "ledger", {"result": f"ledger{variant}"})
        for variant in sorted(set(VARIANT_OF.values()))
    ),
    *(
        (
            f"vocabulary{vocabulary}/{name}.csv",
            "Vocabulary",
            name,
            {"result": f"{title}{vocabulary}"},
        )
        for vocabulary in sorted(set(VOCABULARY_OF.values()))
        for name, title in (
            ("measures", "measures (table)"),
            ("coverage", "coverage by frequent pieces (table)"),
        )
    ),
    *(
        (
            f"evaluation/{experiment}/{name}.csv",
            "Evaluation",
            name,
            {"result": f"{title} (table)", "experiment": experiment},
        )
        for experiment in EXPERIMENTS
        for name, title in (("intrinsic", "before fine-tuning"), ("audit", "memorisation audit"))
    ),
    ("provenance.json", "Run", "provenance", {"result": "provenance"}),
    ("benchmarks.csv", "Run", "benchmarks", {"result": "time, memory and bytes of each stage"}),
]

PAGES = [page(*shown) for shown in SHOWN]


# It reads digests that are there already, and no setting: what it tells of settings is in the packages.
rule provenance:
    input:
        digests=[
            f"results/ingest/{source}/{batch}/{shard}.sha256"
            for source, batch in INGESTED
            for shard in SHARDS
        ],
        comparison="results/evaluation/comparison.csv",
        packages=expand("results/package/{experiment}", experiment=EXPERIMENTS),
    output:
        "results/provenance.json",
    log:
        "results/logs/provenance.log",
    benchmark:
        "results/benchmarks/provenance.tsv"
    conda:
        "../../envs/publish.yaml"
    threads: 1
    resources:
        mem="1GB",
        runtime="10m",
    params:
        code=code("write_provenance.py"),
    script:
        "../scripts/write_provenance.py"


# It tells times, so nothing that is published may read it.
rule measure_stages:
    input:
        ASKED,
        "results/provenance.json",
        raw=[file for batches in RAW.values() for files in batches.values() for file in files],
    output:
        "results/benchmarks.csv",
    log:
        "results/logs/measure_stages.log",
    benchmark:
        "results/benchmarks/measure_stages.tsv"
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem="1GB",
        runtime="10m",
    params:
        code=code("measure_stages.py"),
    script:
        "../scripts/measure_stages.py"


rule report_pages:
    input:
        [f"results/{path}" for path, *_ in SHOWN],
    output:
        PAGES,
    log:
        "results/logs/report_pages.log",
    benchmark:
        "results/benchmarks/report_pages.tsv"
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem="1GB",
        runtime="10m",
    params:
        code=code("report_pages.py"),
    script:
        "../scripts/report_pages.py"
