"""Stage 1: fetch what is elsewhere, and read raw files of any format into documents."""


rule download:
    output:
        "results/downloads/{source}/{file}",
    log:
        "results/logs/download/{source}-{file}.log",
    benchmark:
        "results/benchmarks/download/{source}-{file}.tsv"
    conda:
        "../../envs/ingest.yaml"
    threads: 1
    resources:
        mem="1GB",
        runtime="12h",
    # No hash of the code: what has come is proven by its checksum, whichever code fetched it.
    params:
        cfg=download_config,
    script:
        "../scripts/download.py"


# An encoder to begin with, or its tokenizer alone. Its commit is part of the path.
rule fetch_encoder:
    output:
        directory("results/init/{contents}/{owner}/{model}/{revision}"),
    log:
        "results/logs/fetch_encoder/{contents}-{owner}-{model}-{revision}.log",
    benchmark:
        "results/benchmarks/fetch_encoder/{contents}-{owner}-{model}-{revision}.tsv"
    conda:
        "../../envs/ingest.yaml"
    threads: 1
    resources:
        mem="1GB",
        runtime="12h",
    # No hash of the code, as for a download.
    params:
        cfg=fetch_config,
    script:
        "../scripts/fetch_encoder.py"


rule ingest:
    input:
        files=lambda wildcards: RAW[wildcards.source][wildcards.batch],
    output:
        documents=expand("results/ingest/{{source}}/{{batch}}/{shard}.parquet", shard=SHARDS),
        digests=expand("results/ingest/{{source}}/{{batch}}/{shard}.sha256", shard=SHARDS),
        ledger="results/ingest/{source}/{batch}/ledger.parquet",
    log:
        "results/logs/ingest/{source}-{batch}.log",
    benchmark:
        "results/benchmarks/ingest/{source}-{batch}.tsv"
    conda:
        "../../envs/ingest.yaml"
    threads: 1
    resources:
        mem="4GB",
        runtime="4h",
    params:
        cfg=ingest_config,
        code=code("ingest.py"),
    script:
        "../scripts/ingest.py"


# A change of one raw file reads its whole batch again, yet the documents of most shards stay as they were. After a
# checkpoint Snakemake plans anew the jobs that read its outputs: those whose digest is the old one (small files are
# compared by content) do not run. `filter`, and later `segment`, name a digest they do not read to be planned anew
# as well, since Snakemake forgets to where only a job before them is.
checkpoint digest_shards:
    input:
        [
            f"results/ingest/{source}/{batch}/{shard}.sha256"
            for shard in SHARDS
            for source, batch in INGESTED
        ],
    output:
        expand("results/ingest/{shard}.sha256", shard=SHARDS),
    log:
        "results/logs/digest_shards.log",
    benchmark:
        "results/benchmarks/digest_shards.tsv"
    conda:
        "../../envs/ingest.yaml"
    threads: 1
    resources:
        mem="1GB",
        runtime="10m",
    params:
        code=code("digest_shards.py"),
    script:
        "../scripts/digest_shards.py"
