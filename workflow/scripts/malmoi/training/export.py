"""Export a finished run as a folder that plain transformers loads."""

from __future__ import annotations

from pathlib import Path

from transformers import AutoTokenizer

from malmoi.atomic import replacing_folder
from malmoi.training.model import model_config, network
from malmoi.training.plan import Plan
from malmoi.training.state import WEIGHT, read_state


def export_model(plan: Plan, checkpoint: Path) -> None:
    """Write the float32 weights of a checkpoint, with the tokenizer, through ``save_pretrained``.

    The tied output embedding is stored once. ``model_max_length`` of the tokenizer becomes the model's. The
    configuration names the dropout of hidden layers for attention too, as fine-tuning wants it.
    """
    settings = plan.settings
    length, objective = settings["max_position_embeddings"], settings["objective"]
    config = model_config(plan.vocabulary_size, settings["model"], length, objective)
    model = network(config, objective)
    weights = {
        name.removeprefix("model."): tensors[WEIGHT] for name, tensors in read_state(checkpoint)
    }
    missing, unexpected = model.load_state_dict(weights, strict=False)
    # Those that are tied to another are saved under its name alone.
    tied = set(model.state_dict()) - {name for name, _ in model.named_parameters()}
    if unexpected or set(missing) - tied:
        raise RuntimeError(f"{checkpoint}: not the weights of this model: {missing}, {unexpected}")
    model.tie_weights()
    tokenizer = AutoTokenizer.from_pretrained(plan.tokenizer)
    tokenizer.model_max_length = length
    with replacing_folder(plan.model_output) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        vocabulary = Path(plan.tokenizer) / "vocab.txt"
        (folder / "vocab.txt").write_bytes(vocabulary.read_bytes())
