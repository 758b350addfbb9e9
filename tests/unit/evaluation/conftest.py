"""A tiny vocabulary and BERT folder, made on the spot."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from malmoi import documents
from malmoi.atomic import write_parquet
from transformers import BertConfig, BertForPreTraining, BertTokenizerFast

SYLLABLES = "가나다라마바사아자차카타파하법원판결의병약"
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *SYLLABLES, *("##" + s for s in SYLLABLES)]


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory) -> Path:
    """A random BERT of two layers with its tokenizer, in a Hugging Face folder."""
    folder = tmp_path_factory.mktemp("model")
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast(vocab=str(vocabulary), do_lower_case=False, strip_accents=False)
    tokenizer.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(PIECES),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    torch.manual_seed(7)
    BertForPreTraining(config).save_pretrained(folder)
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
