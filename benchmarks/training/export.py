"""Whether an exported model is the trained one for those who load it with plain transformers."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch
from malmoi.instances.loader import InstanceStore, Rows, padded
from malmoi.training import checkpoint
from malmoi.training.feed import step_of
from malmoi.training.model import PretrainingModule, model_config, untrained
from malmoi.training.plan import Plan
from malmoi.training.state import WEIGHT, read_state
from safetensors import safe_open
from tools.training_runs import finish, held_out, make_data, make_run
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
    PreTrainedModel,
)
from transformers.utils import logging

STEPS = 20

CLASSES = (AutoModelForPreTraining, AutoModelForMaskedLM, AutoModel)

#: Instances whose outputs are compared.
COMPARED = 64


def measure(data: Path, work: Path) -> dict[str, float]:
    """Train small models, load what they export and compare; ``data`` is not used.

    ``export_max_diff`` is the largest difference of an output, the vocabulary's logits at masked positions or
    those of the next sentence, between the training model with the weights of the last checkpoint, packed, and
    ``AutoModelForPreTraining`` on padded instances, both computed in float64, so that it shows other weights or
    another computation and not the order of sums. ``export_fp32_diff`` is the same in float32, where logits
    are as large as ``export_largest_logit``. ``export_held_out_diff`` compares the held-out MLM loss that
    the run itself logged with the export's, relative. ``export_key_faults`` counts keys that are missing, of
    another shape, or unexpected for a class that has their head; ``export_tied_twice`` tensors of the output
    embedding that are written beside the input's. The runs are of ZeRO stages 1 and 3 in float32 and stage 2
    in bfloat16.
    """
    folder = work / "export"
    shutil.rmtree(folder, ignore_errors=True)
    manifest = make_data(folder / "data")
    logging.set_verbosity_error()  # what does not fit is counted
    found = []
    for stage, precision in ((1, "fp32"), (3, "fp32"), (2, "bf16")):
        plan = finish(
            make_run(
                manifest,
                folder / f"{stage}",
                steps=STEPS,
                precision=precision,
                held_out_instances=COMPARED,
                runtime={"zero_stage": stage, "log_every": 10},
            )
        )
        keys = {
            "export_key_faults": sum(_faults(plan, each) for each in CLASSES),
            "export_tied_twice": _written_twice(plan),
        }
        found.append(keys | _compare(plan))
    return {name: max(each[name] for each in found) for name in found[0]}


def _faults(plan: Plan, wanted: type) -> int:
    """Return the keys that do not fit a class; what belongs to heads that it lacks is expected."""
    _, report = wanted.from_pretrained(plan.model_output, output_loading_info=True)
    heads = {AutoModelForMaskedLM: ("bert.pooler.", "cls.seq_relationship."), AutoModel: ("cls.",)}
    unexpected = [
        name for name in report["unexpected_keys"] if not name.startswith(heads.get(wanted, ()))
    ]
    return len(report["missing_keys"]) + len(report["mismatched_keys"]) + len(unexpected)


def _written_twice(plan: Plan) -> int:
    """Return how many tensors of the file belong to the tied output embedding."""
    (path,) = Path(plan.model_output).glob("*.safetensors")
    with safe_open(path, framework="pt") as file:
        return sum(name.startswith("cls.predictions.decoder.") for name in file.keys())  # noqa: SIM118


def _compare(plan: Plan) -> dict[str, float]:
    """Return the figures of one run; see ``measure``."""
    config = model_config(plan.vocabulary_size, plan.settings["model"], 64)
    trained = PretrainingModule(untrained(config, seed=0)).eval()
    newest = checkpoint.newest(Path(plan.checkpoints))
    assert newest is not None
    state = read_state(Path(plan.checkpoints) / newest["name"])
    weights = {name: tensors[WEIGHT] for name, tensors in state}
    missing, _ = trained.load_state_dict(weights, strict=False)
    assert all(".decoder." in name for name in missing), missing
    exported = AutoModelForPreTraining.from_pretrained(plan.model_output).eval()
    store = InstanceStore([plan.phases[0].held_out], Path(plan.tokenizer) / "vocab.txt")
    assert len(store) <= COMPARED, "the run measured some of these instances alone"
    rows = store.rows(np.arange(len(store)))
    masked, plain_masked, apart = _apart(trained, exported, rows)
    loss = torch.nn.functional.cross_entropy(plain_masked, _labels(rows)).item()
    logged = held_out(plan)["mlm_loss"].iloc[-1]
    return {
        "export_fp32_diff": apart,
        "export_largest_logit": float(masked.abs().max()),
        # A run in bfloat16 measures with weights that are rounded to it.
        "export_held_out_diff": abs(loss / logged - 1)
        if plan.settings["precision"] == "fp32"
        else 0.0,
        "export_max_diff": _apart(trained.double(), exported.double(), rows)[2],
    }


def _labels(rows: Rows) -> torch.Tensor:
    return torch.from_numpy(rows.mlm_labels.astype(np.int64))


def _apart(
    trained: PretrainingModule, exported: PreTrainedModel, rows: Rows
) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Return both models' logits at masked positions and how far these and the pairs' are apart at most."""
    rectangle = {name: torch.from_numpy(value).long() for name, value in padded(rows).items()}
    labels = rectangle.pop("labels")
    rectangle.pop("next_sentence_label")
    (batch,) = step_of(rows, [len(rows)], "mlm+nsp").micro_batches(torch.device("cpu"))
    ours: dict[str, torch.Tensor] = {}
    hooks = [
        part.register_forward_hook(lambda _, given, output, name=name: ours.update({name: output}))
        for name, part in (
            ("masked", trained.model.cls.predictions),
            ("pairs", trained.model.cls.seq_relationship),
        )
    ]
    with torch.no_grad():
        trained(batch)
        plain = exported(**rectangle)
    for hook in hooks:
        hook.remove()
    masked = plain.prediction_logits[labels >= 0]
    pairs = ours["pairs"].reshape(-1, 2) - plain.seq_relationship_logits
    apart = max(float((ours["masked"] - masked).abs().max()), float(pairs.abs().max()))
    return ours["masked"], masked, apart
