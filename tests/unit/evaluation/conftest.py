"""A tiny vocabulary and BERT folder, made on the spot."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from malmoi import documents
from malmoi.atomic import write_parquet
from tools.tiny_bert import make_tiny_bert


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory) -> Path:
    """A random BERT of two layers with its tokenizer, in a Hugging Face folder."""
    folder = tmp_path_factory.mktemp("model")
    make_tiny_bert(folder, layers=2)
    return folder


@pytest.fixture
def write_documents(tmp_path):
    """Return a function that writes curated documents to a shard and gives its path."""

    def write(rows: list[dict], name: str = "0000.parquet") -> Path:
        schema = documents.SCHEMA.append(pa.field("split", pa.string(), nullable=False))
        full = []
        for number, row in enumerate(rows):
            document = dict.fromkeys(documents.FIELDS, "")
            document |= {"doc_id": f"{number:032x}", "source": "made", "group": f"g{number}"}
            document |= {"domain": "legal", "kind": "judgment"}
            document |= {**row, "meta": json.dumps(row.get("meta", {}), ensure_ascii=False)}
            full.append(document)
        write_parquet(tmp_path / name, pa.Table.from_pylist(full, schema=schema))
        return tmp_path / name

    return write
