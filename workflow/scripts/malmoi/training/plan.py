"""The plan of a run: everything the ranks must agree on, in one file they all read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from malmoi.atomic import write_json
from malmoi.errors import InputError
from malmoi.fingerprint import of_file, of_value
from malmoi.pretrained import used_files

#: File in the checkpoint folder by which a rank tells the launcher what it cannot use.
REFUSAL = "refused.txt"

#: Settings that no fingerprint covers: how a run is carried out, and what it does about a step that went
#: wrong, which people choose when one did, to go on from the checkpoint before it.
ASIDE = ("runtime", "bad_steps")


@dataclass(frozen=True)
class Phase:
    """A stretch of training on instances of one length: ``steps`` global batches of ``batch_size``.

    ``micro_batch_size`` sequences of the full length, or more shorter ones, are computed at a time.
    """

    name: str
    train: list[str]
    held_out: str
    max_seq_length: int
    instances: int
    steps: int
    batch_size: int
    micro_batch_size: int


@dataclass(frozen=True)
class Plan:
    """A whole run; see ``make_plan``."""

    fingerprint: str
    #: What the fingerprint is of, by name, so that a run can say what differs from another.
    parts: dict[str, Any]
    seed: int
    phases: list[Phase]
    settings: dict[str, Any]
    vocabulary_size: int
    tokenizer: str
    #: Folder of the encoder that training begins with, None from scratch.
    init: str | None
    checkpoints: str
    model_output: str
    log_output: str
    message_log: str

    @property
    def total_steps(self) -> int:
        """Global steps over all phases."""
        return sum(phase.steps for phase in self.phases)

    def phase_at(self, step: int) -> tuple[Phase, int]:
        """Return the phase of a global step and the step's number within it."""
        within = step
        for phase in self.phases:
            if within < phase.steps:
                return phase, within
            within -= phase.steps
        raise IndexError(f"step {step} lies beyond the last phase")

    def save(self, path: str | Path) -> None:
        """Write the plan as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: str | Path) -> Plan:
        """Read a plan written by ``save``."""
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        values["phases"] = [Phase(**phase) for phase in values["phases"]]
        return cls(**values)


def make_plan(
    *,
    settings: dict[str, Any],
    seed: int,
    manifests: list[str],
    tokenizer: str,
    code: str,
    checkpoints: str,
    model_output: str,
    log_output: str,
    message_log: str,
    init: str | None = None,
) -> Plan:
    """Return the plan of a run from the config's ``pretrain`` section and the phases' manifests.

    The fingerprint covers settings, data and code, but not ``settings["runtime"]`` (how many ranks, how often
    to save) and ``settings["bad_steps"]``. Checkpoints live in a folder of that name, so a changed run never
    takes up another's.

    Raises:
        InputError: phases and manifests do not fit each other, the tokenizer or the model; or an instance
            file is missing or not the one that its manifest names.
    """
    vocabulary = Path(tokenizer) / "vocab.txt"
    given = {
        manifest["phase"]: (path, manifest)
        for path, manifest in (
            (path, json.loads(Path(path).read_text(encoding="utf-8"))) for path in manifests
        )
    }
    phases = []
    for phase in settings["phases"]:
        if phase["name"] not in given:
            raise InputError(
                f"pretrain.phases: {phase['name']!r} is not among instances.phases "
                f"({', '.join(sorted(given))})"
            )
        path, manifest = given[phase["name"]]
        _check_vocabulary(path, manifest, vocabulary)
        phases.append(_phase(phase, Path(path).parent, manifest, settings))
    parts = {
        **_leaves("pretrain", {name: settings[name] for name in settings if name not in ASIDE}),
        "seed": seed,
        **{f"instances of {phase.name}": of_file(given[phase.name][0]) for phase in phases},
        "vocabulary": of_file(vocabulary),
        "pretrain.init": _content(init) if init else None,
        "code": code,
    }
    fingerprint = of_value(parts)
    return Plan(
        fingerprint=fingerprint,
        parts=parts,
        seed=seed,
        phases=phases,
        settings=settings,
        vocabulary_size=_pieces(vocabulary),
        tokenizer=tokenizer,
        init=init,
        checkpoints=str(Path(checkpoints) / fingerprint[:16]),
        model_output=model_output,
        log_output=log_output,
        message_log=message_log,
    )


def _leaves(name: str, value: Any) -> dict[str, Any]:
    """Return the values of nested mappings by their full names; lists count as values."""
    if not isinstance(value, dict):
        return {name: value}
    return {
        leaf: found for key in value for leaf, found in _leaves(f"{name}.{key}", value[key]).items()
    }


def _content(folder: str) -> dict[str, str]:
    """Return the sha256 of each file of an encoder that ``malmoi.training.initial`` reads."""
    return {path.name: of_file(path) for path in used_files(folder, weights=True)}


def _pieces(vocabulary: Path) -> int:
    return len(vocabulary.read_text(encoding="utf-8").removesuffix("\n").split("\n"))


def _check_vocabulary(path: str, manifest: dict, vocabulary: Path) -> None:
    """Raise InputError where instances are not of this vocabulary: every id would mean another piece."""
    made_with = manifest.get("vocabulary_sha256")
    if made_with is None:
        raise InputError(
            f"{path} does not say which vocabulary its instances are of: it is from an older malmoi; delete "
            "the folder it is in and run again to build them anew"
        )
    if made_with != of_file(vocabulary):
        raise InputError(
            f"{path}: its instances were made with another tokenizer than {vocabulary}; delete the folder "
            "it is in and run again to build them anew"
        )
    if manifest["vocabulary_size"] > _pieces(vocabulary):
        raise InputError(
            f"{path}: its instances are of {manifest['vocabulary_size']} pieces, but the model, like "
            f"{vocabulary}, has {_pieces(vocabulary)}; delete the folder it is in and run again"
        )


def _check_shard(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise InputError(f"{path} is missing, which its manifest names; run again to build it anew")
    if of_file(path) != sha256:
        raise InputError(
            f"{path} is not the file its manifest names; delete it and run again to build it anew"
        )


def _phase(phase: dict[str, Any], folder: Path, manifest: dict, settings: dict) -> Phase:
    name, length = phase["name"], manifest["max_seq_length"]
    if length > settings["max_position_embeddings"]:
        raise InputError(
            f"instances.phases: max_seq_length {length} of {name!r} exceeds "
            f"pretrain.max_position_embeddings {settings['max_position_embeddings']}"
        )
    for split in ("train", "validation"):
        for shard in manifest["splits"][split]["shards"]:
            _check_shard(folder / shard["path"], shard["sha256"])
    train = manifest["splits"]["train"]
    batch_size = phase.get("batch_size")
    if batch_size is None:
        mean = train["positions"] / train["instances"]
        batch_size = max(1, round(phase["batch_tokens"] / mean))
    steps = phase.get("steps") or -(-int(phase["epochs"] * train["instances"]) // batch_size)
    return Phase(
        name=name,
        train=[str(folder / shard["path"]) for shard in train["shards"] if shard["instances"]],
        held_out=str(folder / manifest["splits"]["validation"]["shards"][0]["path"]),
        max_seq_length=length,
        instances=train["instances"],
        steps=max(1, steps),
        batch_size=batch_size,
        micro_batch_size=phase["micro_batch_size"],
    )
