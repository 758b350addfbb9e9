"""Stages 4 to 6: morphemes as offsets, a vocabulary that knows them, and the corpus as token ids."""

#: The files of the term lists that malmoi brings along, and of sentences to try words in, from the folder
#: of scripts.
TERM_LISTS = {name: f"malmoi/morphology/terms/{name}.tsv" for name in ("legal", "medical")}
REGRESSION = "malmoi/morphology/terms/regression.tsv"


rule segment:
    input:
        documents="results/curated/{shard}.parquet",
        dictionaries=config["segment"]["dictionaries"],
        digest=ancient("results/dedup/{shard}.sha256"),
    output:
        segments="results/segments/{shard}.parquet",
        changes="results/changes/{shard}.parquet",
        ledger="results/ledger/segment/{shard}.parquet",
    log:
        "results/logs/segment/{shard}.log",
    benchmark:
        "results/benchmarks/segment/{shard}.tsv"
    conda:
        "../../envs/tokenizer.yaml"
    threads: 2
    resources:
        mem="4GB",
        runtime="12h",
    params:
        cfg=stage("segment.terms", "segment.patterns", "segment.spacing", "segment.input"),
        code=code("segment.py", *TERM_LISTS.values()),
    script:
        "../scripts/segment.py"


# Only where it is asked for: words to review, and to give back as a dictionary.
rule propose_dictionary:
    input:
        segments=expand("results/segments/{shard}.parquet", shard=SHARDS),
        dictionaries=config["segment"]["dictionaries"],
    output:
        str(PROPOSED),
    log:
        "results/logs/propose_dictionary.log",
    benchmark:
        "results/benchmarks/propose_dictionary.tsv"
    conda:
        "../../envs/tokenizer.yaml"
    threads: 2
    resources:
        mem="8GB",
        runtime="4h",
    params:
        cfg=stage("seed", "segment.terms", "segment.patterns", "segment.proposals"),
        code=code("propose_dictionary.py", *TERM_LISTS.values(), REGRESSION),
    script:
        "../scripts/propose_dictionary.py"


rule vocabulary:
    input:
        expand("results/segments/{shard}.parquet", shard=SHARDS),
    output:
        directory("results/tokenizer{vocabulary}"),
    log:
        "results/logs/vocabulary{vocabulary}.log",
    benchmark:
        "results/benchmarks/vocabulary{vocabulary}.tsv"
    conda:
        "../../envs/tokenizer.yaml"
    threads: 2
    resources:
        mem="8GB",
        runtime="4h",
    params:
        cfg=vocabulary_config,
        code=code("learn_vocabulary.py"),
    script:
        "../scripts/learn_vocabulary.py"


# In place of `vocabulary` where a tokenizer is named: no text decides what it is.
rule keep_vocabulary:
    input:
        lambda wildcards: encoder_files(kept_tokenizer(wildcards), "tokenizer"),
    output:
        directory("results/tokenizer{vocabulary}"),
    log:
        "results/logs/keep_vocabulary{vocabulary}.log",
    benchmark:
        "results/benchmarks/keep_vocabulary{vocabulary}.tsv"
    wildcard_constraints:
        vocabulary=one_of(KEPT),
    conda:
        "../../envs/tokenizer.yaml"
    threads: 1
    resources:
        mem="2GB",
        runtime="10m",
    params:
        cfg=lambda wildcards: {"folder": encoder_folder(kept_tokenizer(wildcards), "tokenizer")},
        code=code("keep_vocabulary.py"),
    script:
        "../scripts/keep_vocabulary.py"


ruleorder: keep_vocabulary > vocabulary


rule vocabulary_report:
    input:
        segments=expand("results/segments/{shard}.parquet", shard=SHARDS),
        tokenizer="results/tokenizer{vocabulary}",
        terms=[SCRIPTS / TERM_LISTS[name] for name in config["segment"]["terms"]]
        + config["segment"]["dictionaries"],
        compared=[name for name in config["vocabulary"]["compare"] if Path(name).is_dir()],
    output:
        measures="results/vocabulary{vocabulary}/measures.csv",
        coverage="results/vocabulary{vocabulary}/coverage.csv",
        boundaries_figure=report(
            "results/vocabulary{vocabulary}/boundaries.png",
            caption="../report/measures.rst",
            category="Vocabulary",
            labels={"result": "length and boundaries{vocabulary} (figure)"},
        ),
        coverage_figure=report(
            "results/vocabulary{vocabulary}/coverage.png",
            caption="../report/coverage.rst",
            category="Vocabulary",
            labels={"result": "coverage by frequent pieces{vocabulary} (figure)"},
        ),
        page=report(
            "results/vocabulary{vocabulary}/sentences.html",
            caption="../report/sentences.rst",
            category="Vocabulary",
            labels={"result": "sentences cut by each tokenizer{vocabulary}"},
        ),
    log:
        "results/logs/vocabulary_report{vocabulary}.log",
    benchmark:
        "results/benchmarks/vocabulary_report{vocabulary}.tsv"
    conda:
        "../../envs/tokenizer.yaml"
    threads: 2
    resources:
        mem="8GB",
        runtime="4h",
    params:
        cfg=stage("seed", "vocabulary.compare", "vocabulary.sentences"),
        code=code("report_vocabulary.py", "malmoi/vocab/side_by_side.html"),
    script:
        "../scripts/report_vocabulary.py"


# Only where it is asked for: what size, boundaries and learner would give.
rule choose_vocabulary:
    input:
        expand("results/segments/{shard}.parquet", shard=SHARDS),
    output:
        table="results/vocabulary/frontier.csv",
        figure="results/vocabulary/frontier.png",
    log:
        "results/logs/choose_vocabulary.log",
    benchmark:
        "results/benchmarks/choose_vocabulary.tsv"
    conda:
        "../../envs/tokenizer.yaml"
    threads: 2
    resources:
        mem="8GB",
        runtime="8h",
    params:
        cfg=stage(
            "seed",
            "vocabulary.sweep",
            *(f"vocabulary.{name}" for name in ("min_frequency", "reserved", "prune")),
        ),
        code=code("choose_vocabulary.py"),
    script:
        "../scripts/choose_vocabulary.py"


rule tokenize:
    input:
        segments="results/segments/{shard}.parquet",
        tokenizer="results/tokenizer{vocabulary}",
    output:
        tokens="results/tokens{vocabulary}/{shard}.arrow",
        ledger="results/ledger/tokenize{vocabulary}/{shard}.parquet",
    log:
        "results/logs/tokenize{vocabulary}/{shard}.log",
    benchmark:
        "results/benchmarks/tokenize{vocabulary}/{shard}.tsv"
    conda:
        "../../envs/tokenizer.yaml"
    threads: 1
    resources:
        mem="4GB",
        runtime="4h",
    params:
        code=code("tokenize_documents.py"),
    script:
        "../scripts/tokenize_documents.py"
