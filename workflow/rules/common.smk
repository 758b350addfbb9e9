"""Check the configuration, and the few helpers the rules share."""

import os
import re
import signal
import sys
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod
from snakemake.utils import validate

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
sys.path.insert(0, str(SCRIPTS))

from malmoi.configcheck import check, merged, pick
from malmoi.errors import InputError
from malmoi.fingerprint import of_code, of_value
from malmoi.pretrained import check_reference, used_files
from malmoi.runlock import check_writable, join
from malmoi.takedown import Takedown
from malmoi.takedown import read as read_takedown

SCHEMA = Path(workflow.basedir) / "workflow" / "schemas" / "config.schema.yaml"

#: Settings of a source that say which files are read and how they may be used, not how they are read.
NOT_READING = (
    *("batches", "dataset", "files", "license", "path"),
    *("pattern", "revision", "sha256", "url"),
)

#: Settings of `publish` that say where a package goes, not what is in it.
DESTINATION = ("target", "repo_id", "private", "endpoint", "pull_request", "max_hours")

#: What all experiments share and may have a repository of its own, with the type of that.
SHARED = {"dataset": "dataset", "tokenizer": "model"}

#: Settings that no model depends on: what is proposed, compared and shown.
ASIDE = {"segment": ("proposals",), "vocabulary": ("compare", "sentences", "sweep")}

#: Settings of `evaluate.audit` that say nothing where no canaries are planted.
PLANTING = ("counts", "per_format", "gated_repeats")

#: Settings of `vocabulary` that decide what is learned; the others are for its report and for choosing.
LEARNING = (
    *("size", "boundaries", "learner", "prune"),
    *("sample_mb", "min_frequency", "reserved"),
)

#: Settings of `instances` that an experiment may have of its own.
BUILDING = ("pairs", "masking", "duplicates", "share")

#: What tables of tasks always hold, so that no encoder is named so.
SCORED = (
    *("trained", "untrained", "unigram"),
    *("tfidf_svm", "tfidf_ridge", "gazetteer", "majority"),
)

#: What `propose_dictionary` writes from the segments, so that these cannot be made with it.
PROPOSED = Path("results", "dictionary", "proposed.csv")

#: Parts of the pipeline a file name can vary in.
PART = "[a-z][a-z0-9_]*"

#: What the folders of an experiment's own vocabulary or instances end in; see `branch`.
ENDING = "(|-[0-9a-f]{8})"


wildcard_constraints:
    source=PART,
    vocabulary=ENDING,
    variant=ENDING,
    experiment=PART,
    task=PART,
    phase=PART,
    split="train|validation|test",
    kind="dataset|tokenizer",
    shard=r"\d{4}|all|canaries",
    contents="encoder|tokenizer",
    owner="[A-Za-z0-9_.-]+",
    model="[A-Za-z0-9_.-]+",
    revision="[0-9a-f]{40}",
    batch=r"\d{4}",
    file=".+",


def stage(*paths):
    """Return the named parts of the configuration: what a rule reads, and so what reruns it."""
    return pick(config, *paths)


def code(*files):
    """Return a hash of a script, of every malmoi module it imports and of the other files named."""
    return of_code(*(SCRIPTS / file for file in files))


def experiment_config(name):
    """Return the configuration of one experiment: the common one with its changes put over it."""
    return merged(config, config["experiments"][name])


def learned_by(settings):
    """Return the settings of a configuration that decide its vocabulary."""
    names = ("tokenizer",) if settings["vocabulary"]["tokenizer"] else LEARNING
    return pick(settings, *(f"vocabulary.{name}" for name in names))


def built_by(settings):
    """Return the settings of a configuration that decide its instances; those of its vocabulary do."""
    return {
        **learned_by(settings),
        **pick(settings, *(f"instances.{name}" for name in BUILDING)),
    }


def branch(settings, decisive):
    """Return what the folders end in that experiments of the same decisive settings share.

    Nothing for the settings of the common configuration; else a hash of the settings, so that neither an
    experiment's name nor another experiment changes it.
    """
    own = decisive(settings)
    return "" if own == decisive(config) else f"-{of_value(own)[:8]}"


def one_of(endings):
    """Return a pattern of these endings, one of which may be empty."""
    # A wildcard whose pattern is empty would match anything; the first part of this one matches nothing.
    return "|".join(["(?!)", *endings])


def of_variant(pattern, **values):
    """Return an input function: the files of a pattern for the vocabulary of a set of instances."""
    return lambda wildcards: expand(pattern, vocabulary=vocabulary_of(wildcards), **values)


def vocabulary_of(wildcards):
    """Return what the folders of the vocabulary of a set of instances end in."""
    return branch(VARIANTS[wildcards.variant], learned_by)


def of_experiment(pattern, **values):
    """Return an input function: the files of a pattern for one experiment's vocabulary, instances and phases.

    In a pattern `{last}` is the phase that training ends with.
    """

    def files(wildcards):
        phases = pretrain_phases(wildcards)
        return expand(
            pattern,
            vocabulary=VOCABULARY_OF[wildcards.experiment],
            variant=VARIANT_OF[wildcards.experiment],
            phase=phases,
            last=phases[-1],
            **values,
        )

    return files


def vocabulary_config(wildcards):
    """Return what a vocabulary is learned by."""
    return {"seed": config["seed"], **learned_by(VOCABULARIES[wildcards.vocabulary])}


def kept_tokenizer(wildcards):
    """Return the tokenizer that is kept in place of learning a vocabulary."""
    return VOCABULARIES[wildcards.vocabulary]["vocabulary"]["tokenizer"]


def ingest_config(wildcards):
    """Return how the files of one batch are read, and which of them are not."""
    source = SOURCES[wildcards.source]
    listed = TAKEDOWN.files.get(wildcards.source, set())
    root = source_root(source)
    files = [
        Path(file).relative_to(root).as_posix() for file in RAW[source["name"]][wildcards.batch]
    ]
    return {
        "source": pick(source, *(name for name in source if name not in NOT_READING)),
        "root": str(root),
        "shards": len(SHARDS),
        "takedown": sorted(
            path for path in listed if any(f"{path}!".startswith(f"{file}!") for file in files)
        ),
    }


def download_config(wildcards):
    """Return where one file of a source comes from."""
    source = SOURCES[wildcards.source]
    names = ("url", "sha256") if "url" in source else ("dataset", "revision")
    return pick(source, *names)


def normalize_config(wildcards):
    """Return how the texts of one shard are repaired, and which of them are left out."""
    takedown = TAKEDOWN.in_shard(int(wildcards.shard), len(SHARDS))
    return {**stage("normalize"), "takedown": takedown}


def instances_config(wildcards, split):
    """Return what the instances of one phase and split are made by.

    Held-out masks are written down and of the last rate, so that figures of all epochs can be compared.
    """
    names = [f"instances.{name}" for name in BUILDING]
    settings = pick(VARIANTS[wildcards.variant], "seed", *names)
    if split != "train" or wildcards.shard in PLANTED:
        settings["instances"]["share"] = 1
    if split != "train":
        masking = settings["instances"]["masking"]
        masking["rate"] = masking["final_rate"] or masking["rate"]
        masking |= {"when": "static", "final_rate": None}
    return {
        "split": split,
        "phase": pick(PHASES, wildcards.phase)[wildcards.phase],
        **settings,
    }


def intrinsic_config(wildcards):
    """Return how many questions one experiment's model is asked, and what it was pretrained for."""
    objective = pretrain_config(wildcards)["pretrain"]["objective"]
    return {**stage("seed", "evaluate.intrinsic"), "objective": objective}


def audit_config(wildcards):
    """Return how one experiment's model is audited, and on what share of the documents it was trained."""
    settings = experiment_config(wildcards.experiment)
    return without_planting(pick(settings, "seed", "evaluate.audit", "instances.share"))


def without_planting(settings):
    """Return settings without those of canaries where none are planted."""
    if not PLANTED:
        for name in PLANTING:
            del settings["evaluate"]["audit"][name]
    return settings


def pretrain_config(wildcards):
    """Return the settings of one experiment's training, and the folder of the encoder it begins with."""
    settings = pick(experiment_config(wildcards.experiment), "pretrain")
    init = settings["pretrain"].pop("init")
    return {"seed": config["seed"], **settings, "init": encoder_folder(init, "encoder")}


def pretrain_init(wildcards):
    """Return the files of the encoder that one experiment's training begins with."""
    init = experiment_config(wildcards.experiment)["pretrain"]["init"]
    return encoder_files(init, "encoder")


def encoder_folder(reference, contents):
    """Return the folder of an encoder or a tokenizer, None where the setting names none."""
    if reference is None or not reference.get("revision"):
        return reference and reference["model"]
    return f"results/init/{contents}/{reference['model']}/{reference['revision']}"


def encoder_files(reference, contents):
    """Return what of an encoder or a tokenizer must be there: the user's files, or a folder to fetch."""
    folder = encoder_folder(reference, contents)
    if folder is None or reference.get("revision"):
        return [folder] if folder else []
    return [str(path) for path in used_files(folder, weights=contents == "encoder")]


def fetch_config(wildcards):
    """Return which model to fetch, and whether with its weights."""
    return {
        "model": f"{wildcards.owner}/{wildcards.model}",
        "revision": wildcards.revision,
        "weights": wildcards.contents == "encoder",
    }


def pretrain_phases(wildcards):
    """Return the names of one experiment's phases, in the order of training."""
    return [phase["name"] for phase in pretrain_config(wildcards)["pretrain"]["phases"]]


def pretrain_threads(wildcards):
    """Return the CPU threads of all ranks and of those that make their batches."""
    runtime = pretrain_config(wildcards)["pretrain"]["runtime"]
    return runtime["ranks"] * (runtime["threads_per_rank"] + runtime["loader_workers"])


def task_documents(wildcards):
    """Return the segments that a task is made of, none where it has files of its own."""
    shards = SHARDS if TASKS[wildcards.task].get("label") else []
    return expand("results/segments/{shard}.parquet", shard=shards)


def task_files(task):
    """Return the files that a task names."""
    return [task[split] for split in ("train", "validation", "test") if task.get(split)]


def task_config(wildcards):
    """Return the settings of one task, and the encoders its model is held against."""
    settings = pick(TASKS, wildcards.task)[wildcards.task]
    return {"task": settings, "encoders": stage("evaluate.baselines")["evaluate"]["baselines"]}


def package_config(wildcards):
    """Return what the card and the provenance of one experiment say."""
    settings = experiment_config(wildcards.experiment)
    sections = [name for name in settings if name not in ("publish", "experiments")]
    return {
        "sources": pick(settings, "corpus")["corpus"]["sources"],
        "takedown": listed_documents(),
        "libraries": pinned_versions(),
        "publish": described("description", "limits"),
        "config": made_by(settings, *sections),
    }


def made_by(settings, *sections):
    """Return sections of a configuration without what nothing depends on that is published."""
    result = pick(settings, *sections)
    for section, names in ASIDE.items():
        for name in names if section in result else ():
            del result[section][name]
    # What would have been learned is not what was.
    if "vocabulary" in result and result["vocabulary"]["tokenizer"]:
        for name in LEARNING:
            del result["vocabulary"][name]
    return without_planting(result) if "evaluate" in result else result


def described(*further):
    """Return the settings of `publish` that every card is made by, and some further ones."""
    names = (
        *("title", "license", "license_name", "license_link", "tags", "citation"),
        *("parity_documents", "override_gates"),
    )
    return pick(config["publish"], *names, *further)


def package_tokenizer_config():
    """Return what the card and the provenance of the tokenizer say."""
    sections = ("seed", "corpus", "normalize", "curate", "segment", "vocabulary")
    return {
        "sources": stage("corpus")["corpus"]["sources"],
        "takedown": listed_documents(),
        "libraries": pinned_versions(),
        "publish": described(),
        "config": made_by(config, *sections),
    }


def package_dataset_config():
    """Return what the data set's rows are chosen by, and what its card and provenance say."""
    return {
        "sources": stage("corpus")["corpus"]["sources"],
        "takedown": listed_documents(),
        "libraries": pinned_versions(),
        "licences": sorted(config["publish"]["dataset_licences"]),
        "publish": described(),
        "config": stage("seed", "corpus", "normalize", "curate"),
    }


def pinned_versions():
    """Return the version of every library that a stage's environment pins."""
    found = {}
    for path in Path(workflow.basedir, "envs").glob("*.yaml"):
        *_, pip = yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]
        found |= dict(line.split("==") for line in pip["pip"])
    return dict(sorted(found.items()))


def listed_documents():
    """Return the takedown list as plain values in a fixed order."""
    files = {name: sorted(TAKEDOWN.files[name]) for name in sorted(TAKEDOWN.files)}
    return {"documents": sorted(TAKEDOWN.documents), "files": files}


def publish_config(wildcards):
    """Return where one experiment's package goes."""
    settings = pick(config["publish"], *DESTINATION)
    return settings | {"repo_id": settings["repo_id"].replace("{experiment}", wildcards.experiment)}


def publish_shared_config(wildcards):
    """Return where the data set or the tokenizer goes."""
    return pick(config["publish"], *DESTINATION) | {
        "repo_id": config["publish"][f"{wildcards.kind}_repo_id"],
        "repo_type": SHARED[wildcards.kind],
    }


def page(path, category, caption, labels):
    """Return the page of a table or JSON file of the results, with its place in the report."""
    name = path.rpartition(".")[0]
    return report(
        f"results/report/{name}.html",
        category=category,
        caption=f"../report/{caption}.rst",
        labels=labels,
    )


def takedown_list():
    """Return the documents to leave out."""
    path = config["corpus"]["takedown"]
    try:
        found = read_takedown(path) if path else Takedown()
        for name in found.files:
            if name not in SOURCES:
                raise InputError(f"{path}: {name!r} is not among the sources: {', '.join(SOURCES)}")
    except InputError as error:
        raise WorkflowError(f"configuration: corpus.takedown: {error}") from None
    return found


def check_configuration():
    """Stop with one readable line where the configuration cannot work."""
    # Each job reads the schema, which takes a fifth of a second where libyaml does not.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    schema = yaml.load(SCHEMA.read_text(encoding="utf-8"), Loader=loader)
    try:
        check(config, schema)
        validate(config, str(SCHEMA))
        left = {name: own for name, own in config["experiments"].items() if own is not None}
        if not left:
            raise InputError("experiments: every one is null; leave one to train")
        config["experiments"] = left
        for name in left:
            check_experiment(name, schema)
        check_names()
    except InputError as error:
        raise WorkflowError(f"configuration: {error}") from None


def check_experiment(name, schema):
    """Check the settings that one experiment puts over the common ones."""
    settings = experiment_config(name)
    try:
        check(settings, schema)
    except InputError as error:
        raise InputError(f"experiments.{name}: {error}") from None
    idle = sorted({*config["experiments"][name].get("vocabulary", {})} - {"tokenizer"})
    if idle and settings["vocabulary"]["tokenizer"]:
        raise InputError(
            f"experiments.{name}: vocabulary.{idle[0]}: nothing is learned, since vocabulary.tokenizer is kept; "
            "set tokenizer to null in the experiment as well"
        )


def check_objective(name, settings):
    """Check that an experiment's instances and model have what its objective learns."""
    objective, kind = settings["pretrain"]["objective"], settings["instances"]["pairs"]["kind"]
    where = f"experiments.{name}: pretrain.objective {objective!r}"
    wanted = {"mlm+nsp": "nsp", "mlm+sop": "sop"}.get(objective, kind)
    if kind != wanted:
        raise InputError(
            f"{where} needs instances.pairs.kind {wanted!r}, which is {kind!r}; set the objective to mlm, "
            "or the kind"
        )
    model = settings["pretrain"]["model"]
    if isinstance(model, dict) and model.get("architecture") == "modernbert" and objective != "mlm":
        raise InputError(f"{where}: modernbert has a head for 'mlm' alone; set the objective to it")


def check_names():
    """Check what a schema cannot: names that must be unique, known, or files that must exist."""
    for section, items in (
        ("corpus.sources", config["corpus"]["sources"]),
        ("curate.decontaminate.sets", config["curate"]["decontaminate"]["sets"]),
        ("instances.phases", config["instances"]["phases"]),
        ("evaluate.tasks", config["evaluate"]["tasks"]),
        ("evaluate.baselines", config["evaluate"]["baselines"]),
    ):
        names = [item["name"] for item in items]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InputError(f"{section}: the name {repeated[0]!r} occurs twice; rename one")
    lengths = {item["name"]: item["max_seq_length"] for item in config["instances"]["phases"]}
    for name in config["experiments"]:
        whole = experiment_config(name)
        settings = whole["pretrain"]
        order = [phase["name"] for phase in settings["phases"]]
        if len(set(order)) < len(order):
            # Its steps would be numbered from 0 again, and so take the same instances again.
            raise InputError(
                f"experiments.{name}: pretrain.phases: a phase occurs twice; list its length under "
                "another name in instances.phases"
            )
        check_encoder(f"experiments.{name}: pretrain.init", settings["init"], weights=True)
        kept = whole["vocabulary"]["tokenizer"]
        check_encoder(f"experiments.{name}: vocabulary.tokenizer", kept, weights=False)
        model = settings["model"]
        if isinstance(model, dict) and model["hidden_size"] % model["heads"]:
            raise InputError(
                f"experiments.{name}: pretrain.model: hidden_size {model['hidden_size']} is not a "
                f"multiple of heads ({model['heads']})"
            )
        if settings["optimizer"] == "lamb" and settings["runtime"]["zero_stage"] != 0:
            raise InputError(
                f"experiments.{name}: pretrain.optimizer: lamb scales its step layer by layer, which the "
                "flat parts of ZeRO do not keep; set pretrain.runtime.zero_stage to 0, or take adamw"
            )
        check_objective(name, whole)
        runtime = settings["runtime"]
        if runtime["ranks"] % runtime["nodes"]:
            raise InputError(
                f"experiments.{name}: pretrain.runtime: {runtime['ranks']} ranks cannot be shared evenly "
                f"by {runtime['nodes']} nodes"
            )
        for phase in settings["phases"]:
            where = f"experiments.{name}: pretrain.phases: {phase['name']!r}"
            if phase["name"] not in lengths:
                known = ", ".join(lengths)
                raise InputError(f"{where} is not among instances.phases ({known})")
            if lengths[phase["name"]] > settings["max_position_embeddings"]:
                raise InputError(f"{where} is longer than pretrain.max_position_embeddings")
    if config["evaluate"]["audit"]["canaries"] and config["segment"]["input"] == "segmented":
        raise InputError(
            "evaluate.audit.canaries: a planted secret would be cut by the analyzer, so the audit could "
            "not ask for it; set segment.input to raw, or canaries to false"
        )
    check_encoder("vocabulary.tokenizer", config["vocabulary"]["tokenizer"], weights=False)
    for source in config["corpus"]["sources"]:
        if "sections" in source["fields"]:
            raise InputError(
                f"corpus.sources: {source['name']}: fields.sections: malmoi sets it itself; "
                "choose another name"
            )
        for name in fetched_files(source):
            if ".." in Path(name).parts or name in ("", "."):
                raise InputError(f"corpus.sources: {source['name']}: {name!r} is no file's name")
    for item in config["curate"]["decontaminate"]["sets"]:
        if not Path(item["path"]).is_file():
            raise InputError(
                f"curate.decontaminate.sets: {item['name']}: {item['path']} does not exist; "
                "name a file of evaluation items"
            )
    for task in config["evaluate"]["tasks"]:
        check_task(f"evaluate.tasks: {task['name']}", task)
    for encoder in config["evaluate"]["baselines"]:
        if encoder["name"] in SCORED:
            raise InputError(
                f"evaluate.baselines: {encoder['name']!r} names another row of the tables; rename it"
            )
        check_encoder(f"evaluate.baselines: {encoder['name']}", encoder, weights=True)
    for path in config["segment"]["dictionaries"]:
        if Path(path).resolve() == PROPOSED.resolve():
            raise InputError(
                f"segment.dictionaries: {path} is written anew for each corpus; name a copy of it"
            )
        if not Path(path).is_file():
            raise InputError(
                f"segment.dictionaries: {path} does not exist; name a UTF-8 file of words"
            )
    publish = config["publish"]
    if publish["dataset_repo_id"] and not publish["dataset_licences"]:
        raise InputError(
            "publish.dataset_repo_id: dataset_licences names no licence, so nothing may be passed on; "
            "name those that allow it"
        )
    models = {publish["repo_id"].replace("{experiment}", name) for name in config["experiments"]}
    if publish["tokenizer_repo_id"] and publish["tokenizer_repo_id"] in models:
        raise InputError(
            "publish.tokenizer_repo_id: a model goes to this repository; name another one"
        )
    if publish["target"] == "hub" and not publish["repo_id"]:
        raise InputError("publish.repo_id: target hub needs it, as namespace/name")
    if publish["target"] == "hub":
        if len(config["experiments"]) > 1 and "{experiment}" not in publish["repo_id"]:
            raise InputError(
                "publish.repo_id: several experiments would overwrite each other; "
                "put {experiment} into it"
            )
        for source in config["corpus"]["sources"]:
            if not source["license"]:
                raise InputError(
                    f"corpus.sources: {source['name']} has no license, so publish.target hub is "
                    "refused; give the terms of the documents"
                )


def check_task(where, task):
    """Check that a task can be made of what it names, and that its files are there."""
    if task.get("label") and task["kind"] != "classification":
        raise InputError(
            f"{where}: labels of documents are classes; for {task['kind']} name files for train and test"
        )
    for path in task_files(task):
        if not Path(path).is_file():
            raise InputError(f"{where}: {path} does not exist; name a file of labelled items")


def check_encoder(where, reference, weights):
    """Check that an encoder or a tokenizer is there, or can be fetched; None is none."""
    try:
        if reference is not None:
            check_reference(reference, weights)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def hidden(file, root):
    """Return whether a file or a folder below ``root`` that holds it has a name beginning with a dot."""
    return file != root and any(part.startswith(".") for part in file.relative_to(root).parts)


def source_root(source):
    """Return the folder that the paths of a source's raw files are relative to."""
    if "path" not in source:
        return Path("results", "downloads", source["name"])
    path = Path(source["path"])
    return path.parent if path.is_file() else path


def fetched_files(source):
    """Return the names of the files to fetch for a source, none where they lie in a folder."""
    if "url" in source:
        address = re.split("[?#]", source["url"])[0]
        return [unquote(address.rsplit("/", 1)[1])]
    return source.get("files", [])


def batch_of(name, source):
    """Return the batch of a raw file: it follows from the file's name alone."""
    digest = sha256(name.encode()).hexdigest()
    return f"{int(digest[:8], 16) % source['batches']:04d}"


def found_files(source):
    """Return the raw files that lie in the folder of a source."""
    path = Path(source["path"])
    where = f"corpus.sources: {source['name']}"
    if not path.exists():
        raise WorkflowError(
            f"configuration: {where}: {source['path']} does not exist; put the documents there "
            "or name their folder"
        )
    patterns = source["pattern"]
    patterns = [patterns] if isinstance(patterns, str) else patterns
    try:
        found = (
            [path] if path.is_file() else [file for item in patterns for file in path.glob(item)]
        )
    except (NotImplementedError, ValueError) as error:
        raise WorkflowError(f"configuration: {where}: pattern: {error}") from None
    files = {file for file in found if file.is_file() and not hidden(file, path)}
    if not files:
        raise WorkflowError(
            f"configuration: {where}: no file in {source['path']} matches {source['pattern']!r}"
        )
    return files


def raw_files(source):
    """Return the files of a source by batch."""
    root = source_root(source)
    fetched = [root / name for name in fetched_files(source)]
    batches = {}
    for file in sorted(fetched or found_files(source)):
        batch = batch_of(file.relative_to(root).as_posix(), source)
        batches.setdefault(batch, []).append(str(file))
    return batches


def check_folder(check, name):
    """Return what a check of a folder says; it stops with one readable line where the folder will not do."""
    try:
        return check(Path(name))
    except InputError as error:
        raise WorkflowError(str(error)) from None


#: A run that was killed must not keep the next one out; the file is open as long as this process lives.
RUNS = check_folder(join, ".snakemake") if workflow.is_main_process else None
if not workflow.is_main_process:
    # Slurm warns all processes of a job before its time limit, Snakemake's own among them, which would end by it
    # and take along what is just being saved. Who can do something about it says so.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)

if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method:
    # What users installed for themselves would come before what a stage's environment pins, and pip would take
    # it for a part of the environment.
    os.environ.update(PYTHONNOUSERSITE="1")

check_configuration()


# Plans may be made of results that can only be read.
onstart:
    check_folder(check_writable, "results")


SOURCES = {source["name"]: source for source in config["corpus"]["sources"]}
RAW = {name: raw_files(source) for name, source in SOURCES.items()}
#: All ingest jobs, as pairs of source and batch.
INGESTED = [(source, batch) for source in RAW for batch in sorted(RAW[source])]
TAKEDOWN = takedown_list()
SHARDS = [f"{number:04d}" for number in range(config["corpus"]["shards"])]
PHASES = {phase["name"]: phase for phase in config["instances"]["phases"]}
TASKS = {task["name"]: task for task in config["evaluate"]["tasks"]}
EXPERIMENTS = sorted(config["experiments"])
CONFIGURATIONS = {name: experiment_config(name) for name in EXPERIMENTS}
VOCABULARY_OF = {name: branch(own, learned_by) for name, own in CONFIGURATIONS.items()}
VARIANT_OF = {name: branch(own, built_by) for name, own in CONFIGURATIONS.items()}
#: Configurations by what their folders end in. Those of the common one are always there to be asked for.
VOCABULARIES = {VOCABULARY_OF[name]: CONFIGURATIONS[name] for name in EXPERIMENTS} | {"": config}
VARIANTS = {VARIANT_OF[name]: CONFIGURATIONS[name] for name in EXPERIMENTS} | {"": config}
#: Vocabularies that are kept, not learned.
KEPT = [name for name, own in VOCABULARIES.items() if own["vocabulary"]["tokenizer"]]
#: Planted canaries are a shard of their own, of which only training reads.
PLANTED = ["canaries"] if config["evaluate"]["audit"]["canaries"] else []
TRAINED = SHARDS + PLANTED
