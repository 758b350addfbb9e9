"""Stages 2 and 3: repair text, filter, find duplicates, split; and the ledger of the whole run."""

#: What the curation report shows, in the order of its files; of lengths there is a figure alone.
CURATION = {
    "sources": "what is left of each source",
    "drops": "documents dropped, by reason",
    "lengths": "lengths of kept documents",
    "duplicates": "clusters of duplicates",
    "repairs": "repairs of text",
    "personal_data": "personal data masked",
}


rule normalize:
    input:
        # The digest says whether they changed.
        documents=ancient(
            [f"results/ingest/{source}/{batch}/{{shard}}.parquet" for source, batch in INGESTED]
        ),
        digest="results/ingest/{shard}.sha256",
    output:
        documents="results/normalized/{shard}.parquet",
        ledger="results/ledger/normalize/{shard}.parquet",
        repairs="results/repairs/{shard}.parquet",
    log:
        "results/logs/normalize/{shard}.log",
    benchmark:
        "results/benchmarks/normalize/{shard}.tsv"
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem="2GB",
        runtime="4h",
    params:
        cfg=normalize_config,
        code=code("normalize.py"),
    script:
        "../scripts/normalize.py"


rule filter:
    input:
        documents="results/normalized/{shard}.parquet",
        evaluation_sets=[item["path"] for item in config["curate"]["decontaminate"]["sets"]],
        digest=ancient("results/ingest/{shard}.sha256"),
    output:
        documents="results/filtered/{shard}.parquet",
        ledger="results/ledger/filter/{shard}.parquet",
    log:
        "results/logs/filter/{shard}.log",
    benchmark:
        "results/benchmarks/filter/{shard}.tsv"
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem="2GB",
        runtime="1h",
    params:
        cfg=stage("curate.filters", "curate.decontaminate"),
        code=code("filter_documents.py"),
    script:
        "../scripts/filter_documents.py"


# A new document can make another one, in any shard, a duplicate: after this, as after `digest_shards`, only the
# shards whose digest is new are taken up.
checkpoint find_duplicates:
    input:
        expand("results/filtered/{shard}.parquet", shard=SHARDS),
    output:
        clusters="results/dedup/clusters.parquet",
        drops=expand("results/dedup/{shard}.parquet", shard=SHARDS),
        digests=expand("results/dedup/{shard}.sha256", shard=SHARDS),
    log:
        "results/logs/find_duplicates.log",
    benchmark:
        "results/benchmarks/find_duplicates.tsv"
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem="8GB",
        runtime="8h",
    params:
        cfg=stage("curate.dedup.near", "curate.dedup.threshold"),
        code=code("find_duplicates.py"),
    script:
        "../scripts/find_duplicates.py"


rule split:
    input:
        documents="results/filtered/{shard}.parquet",
        drops=ancient("results/dedup/{shard}.parquet"),
        digest="results/dedup/{shard}.sha256",
    output:
        documents="results/curated/{shard}.parquet",
        ledger="results/ledger/deduplicate/{shard}.parquet",
    log:
        "results/logs/split/{shard}.log",
    benchmark:
        "results/benchmarks/split/{shard}.tsv"
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem="2GB",
        runtime="1h",
    params:
        cfg=stage(
            "seed",
            "curate.split",
            "curate.dedup.sections",
            "curate.dedup.section_containment",
        ),
        code=code("split_documents.py"),
    script:
        "../scripts/split_documents.py"


rule curation_report:
    input:
        ledgers=[f"results/ingest/{source}/{batch}/ledger.parquet" for source, batch in INGESTED]
        + expand(
            "results/ledger/{stage}/{shard}.parquet",
            stage=("normalize", "filter", "deduplicate"),
            shard=SHARDS,
        ),
        repairs=expand("results/repairs/{shard}.parquet", shard=SHARDS),
        clusters="results/dedup/clusters.parquet",
    output:
        tables=expand(
            "results/curation/{name}.csv",
            name=[name for name in CURATION if name != "lengths"],
        ),
        figures=[
            report(
                expand("results/curation/{name}.png", name=name),
                caption="../report/curation.rst",
                category="Curation",
                labels={"result": "{} (figure)".format(title)},
            )
            for name, title in CURATION.items()
        ],
    log:
        "results/logs/curation_report.log",
    benchmark:
        "results/benchmarks/curation_report.tsv"
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem="4GB",
        runtime="1h",
    params:
        code=code("report_curation.py"),
    script:
        "../scripts/report_curation.py"


# One for each set of instances, from the raw files on, so that another experiment leaves it as it is.
rule ledger:
    input:
        [f"results/ingest/{source}/{batch}/ledger.parquet" for source, batch in INGESTED],
        expand(
            "results/ledger/{stage}/{shard}.parquet",
            stage=("normalize", "filter", "deduplicate"),
            shard=SHARDS,
        ),
        expand("results/audit/{shard}-ledger.parquet", shard=PLANTED),
        expand("results/ledger/segment/{shard}.parquet", shard=TRAINED),
        of_variant("results/ledger/tokenize{vocabulary}/{shard}.parquet", shard=TRAINED),
        expand(
            "results/ledger/instances{{variant}}/{phase}/train/{shard}.parquet",
            phase=PHASES,
            shard=TRAINED,
        ),
        expand(
            "results/ledger/instances{{variant}}/{phase}/{split}/all.parquet",
            phase=PHASES,
            split=("validation", "test"),
        ),
    output:
        ledger="results/ledger{variant}.parquet",
        csv="results/ledger{variant}.csv",
        summary="results/ledger_summary{variant}.csv",
    log:
        "results/logs/ledger{variant}.log",
    benchmark:
        "results/benchmarks/ledger{variant}.tsv"
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem="8GB",
        runtime="1h",
    params:
        cfg=stage("instances.phases"),
        code=code("sum_ledger.py"),
    script:
        "../scripts/sum_ledger.py"
