"""Small BERTs of real decisions, trained in minutes, with whatever is planted among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from malmoi.atomic import write_parquet
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

from benchmarks.curation.corpus_text import markdown_files

#: Decisions of each split.
DOCUMENTS = {"train": 80, "validation": 40, "test": 60}

VOCABULARY, LONGEST, BATCH = 8192, 128, 32
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def decisions(data: Path) -> dict[str, list[str]]:
    """Return texts of real decisions by split, 3,000 characters each."""
    files = markdown_files(data / "legal" / "precedents_md")
    order = np.random.default_rng(7).permutation(len(files))
    texts = (files[place].read_text(encoding="utf-8").split("---\n", 2)[-1] for place in order)
    long = (text[:3000] for text in texts if len(text) > 4000)
    return {
        split: [next(long).strip() for _ in range(number)] for split, number in DOCUMENTS.items()
    }


def tokenizer(texts: Sequence[str], folder: Path) -> BertTokenizerFast:
    """Return a WordPiece tokenizer learned from texts; digits get pieces of their own."""
    from tokenizers import BertWordPieceTokenizer

    learner = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    learner.train_from_iterator(
        texts, vocab_size=VOCABULARY, special_tokens=list(_SPECIAL), limit_alphabet=4000
    )
    folder.mkdir(parents=True, exist_ok=True)
    learner.save_model(str(folder))
    return BertTokenizerFast(
        vocab=str(folder / "vocab.txt"), do_lower_case=False, strip_accents=False
    )


def chunks(texts: Sequence[str], words: BertTokenizerFast) -> list[list[int]]:
    """Return the ids of texts in stretches that fit the model."""
    found = []
    for ids in words(list(texts), add_special_tokens=False, verbose=False)["input_ids"]:
        found += [ids[at : at + LONGEST - 2] for at in range(0, len(ids), LONGEST - 2)]
    return [ids for ids in found if len(ids) > 1]


def train(rows: Sequence[list[int]], words: BertTokenizerFast, epochs: int, folder: Path) -> float:
    """Train a BERT of two layers of width 128 and save it with its tokenizer; return its last loss."""
    torch.manual_seed(3)
    random = np.random.default_rng(3)
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=len(words),
            hidden_size=128,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=512,
            max_position_embeddings=LONGEST,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    lengths = np.array([len(row) for row in rows])
    # Rows of like length share a batch, or half of it would be padding.
    batches = [
        part
        for _ in range(epochs)
        for part in random.permutation(
            np.array(
                np.array_split(
                    np.argsort(lengths + random.random(len(rows))), -(-len(rows) // BATCH)
                ),
                dtype=object,
            )
        )
    ]
    recent: list[float] = []
    for step, part in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * min((step + 1) / (0.05 * len(batches)), 1 - step / len(batches))
        width = lengths[part.astype(int)].max() + 2
        ids = np.zeros((len(part), width), dtype=np.int64)
        for at, number in enumerate(part):
            row = [words.cls_token_id, *rows[number], words.sep_token_id]
            ids[at, : len(row)] = row
        masked = (random.random(ids.shape) < 0.15) & (ids > words.sep_token_id)
        masked[0, 1] = True
        seen = torch.from_numpy(np.where(masked, words.mask_token_id, ids))
        inside, chosen = torch.from_numpy(ids != 0).long(), torch.from_numpy(masked)
        hidden = model.bert(input_ids=seen, attention_mask=inside).last_hidden_state
        loss = cross_entropy(model.cls(hidden[chosen]), torch.from_numpy(ids)[chosen])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        recent = [*recent[-49:], loss.item()]
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return float(np.mean(recent))


def corpus_files(
    texts: Mapping[str, Sequence[str]], words: BertTokenizerFast, folder: Path
) -> tuple[list[Path], list[Path]]:
    """Write the documents as the stages before an audit do, and return the tokens and the segments files."""
    rows = [
        {
            "doc_id": f"{hash_of(split, number):032x}",
            "source": "decisions",
            "group": "",
            "split": split,
            "text": text,
            "input_ids": words(text, add_special_tokens=False, verbose=False)["input_ids"],
        }
        for split, own in texts.items()
        for number, text in enumerate(own)
    ]
    table = pa.Table.from_pylist(rows)
    write_parquet(folder / "segments.parquet", table.select(["doc_id", "split", "text"]))
    tokens = table.drop_columns(["text"])
    path = folder / "tokens.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, tokens.schema) as writer:
        writer.write_table(tokens)
    return [folder / "tokens.arrow"], [folder / "segments.parquet"]


def hash_of(split: str, number: int) -> int:
    """Return a number of 128 bits for a document."""
    from hashlib import blake2b

    return int.from_bytes(blake2b(f"{split} {number}".encode(), digest_size=16).digest(), "big")
