"""A tiny corpus and a BERT that knows nothing of it."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import torch
from malmoi.atomic import write_json, write_parquet
from malmoi.audit import canaries
from transformers import BertConfig, BertForPreTraining, BertTokenizerFast


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> SimpleNamespace:
    """Model, tokens, segments, canaries and summary of a run; tests must not write into it."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("audited")
    made = canaries.make(3, [1], 1)
    characters = sorted({*"".join(each.text for each in made), *"0123456789abcdef@.-"} - {" "})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    pieces += ["##" + each for each in characters if each.isalnum()]
    model = folder / "model"
    model.mkdir()
    (model / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast(
        vocab=str(model / "vocab.txt"), do_lower_case=False, strip_accents=False
    )
    tokenizer.save_pretrained(model)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=160,
    )
    torch.manual_seed(7)
    BertForPreTraining(config).save_pretrained(model)
    canaries.plant(
        3,
        [1],
        1,
        folder / "planted.parquet",
        folder / "digest",
        folder / "canaries.csv",
        folder / "ledger.parquet",
    )
    random = np.random.default_rng(3)
    letters = [each for each in characters if "가" <= each <= "힣"]
    splits = ["train"] * 24 + ["validation"] * 4 + ["test"] * 8
    texts = [
        " ".join("".join(random.choice(letters, 3)) for _ in range(12)) + f" 010-{n:04d}-1234"
        for n in range(len(splits))
    ]
    names = [f"{int(number):016x}{'0' * 16}" for number in random.integers(1 << 62, size=36)]
    rows = {"doc_id": names, "split": splits}
    write_parquet(folder / "segments.parquet", pa.table({**rows, "text": texts}))
    ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
    ids = pa.array(ids, pa.list_(pa.uint16()))
    rows |= {"source": ["a", "b"] * 18, "group": [""] * 36, "input_ids": ids}
    tokens = pa.table(rows)
    path = str(folder / "tokens.arrow")
    with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, tokens.schema) as writer:
        writer.write_table(tokens)
    write_json(folder / "summary.json", {"tokens": 12_000})
    return SimpleNamespace(
        folder=folder,
        model=model,
        tokens=[folder / "tokens.arrow"],
        segments=[folder / "segments.parquet"],
        canaries=folder / "canaries.csv",
        summary=folder / "summary.json",
        texts=texts,
    )
