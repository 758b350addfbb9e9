"""A tiny corpus and a BERT that knows nothing of it."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import torch
from malmoi.atomic import write_json, write_parquet
from malmoi.audit import canaries
from tools.tiny_bert import SPECIAL, make_tiny_bert


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> SimpleNamespace:
    """Model, tokens, segments, canaries and summary of a run; tests must not write into it."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("audited")
    made = canaries.make(3, [1], 1)
    characters = sorted({*"".join(each.text for each in made), *"0123456789abcdef@.-"} - {" "})
    pieces = [*SPECIAL, *characters, *("##" + each for each in characters if each.isalnum())]
    model = folder / "model"
    tokenizer = make_tiny_bert(model, pieces, positions=160)
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
