"""Export a finished run as a folder that plain transformers loads."""

from __future__ import annotations

from pathlib import Path

from deepspeed.utils.zero_to_fp32 import get_fp32_state_dict_from_zero_checkpoint
from transformers import AutoTokenizer, BertForPreTraining

from malmoi.atomic import replacing_folder
from malmoi.training.model import bert_config
from malmoi.training.plan import Plan


def export_model(plan: Plan, root: Path, tag: str) -> None:
    """Write the float32 weights of a checkpoint, with the tokenizer, through ``save_pretrained``.

    The tied output embedding is stored once. ``model_max_length`` of the tokenizer becomes the model's.
    """
    settings = plan.settings
    length = settings["max_position_embeddings"]
    config = bert_config(plan.vocabulary_size, settings["model"], length)
    model = BertForPreTraining(config)
    weights = get_fp32_state_dict_from_zero_checkpoint(str(root), tag=tag)
    model.load_state_dict({name.removeprefix("model."): value for name, value in weights.items()})
    model.tie_weights()
    tokenizer = AutoTokenizer.from_pretrained(plan.tokenizer)
    tokenizer.model_max_length = length
    with replacing_folder(plan.model_output) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        vocabulary = Path(plan.tokenizer) / "vocab.txt"
        (folder / "vocab.txt").write_bytes(vocabulary.read_bytes())
