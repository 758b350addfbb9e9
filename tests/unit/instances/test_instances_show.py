"""Tracing an instance: its documents and sentences, its label, and what its masks hide."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from instances_made_tokens import (
    FIRST,
    Document,
    build,
    random_ends,
    segments,
    write_tokens,
    write_vocabulary,
)
from malmoi.instances.loader import InstanceStore
from malmoi.instances.manifest import write_manifest
from malmoi.instances.show import main

SIZE = 4000


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two shards, with static (l64) and dynamic (d64) masks."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "tokenizer").mkdir()
    (folder / "tokens").mkdir()
    vocabulary = write_vocabulary(folder / "tokenizer" / "vocab.txt", SIZE)
    rng = np.random.default_rng(20)
    for shard in ("0000", "0001"):
        documents = []
        for length in rng.integers(100, 400, size=8).tolist():
            ids = rng.integers(FIRST, SIZE, length).tolist()
            documents.append(Document(ids, random_ends(rng, length, 12), group=f"g{length}"))
        write_tokens(folder / "tokens" / f"{shard}.arrow", documents, SIZE)
    for phase, masking in (("l64", {}), ("d64", {"when": "dynamic", "final_rate": 0.3})):
        train = []
        for shard in ("0000", "0001"):
            tokens = folder / "tokens" / f"{shard}.arrow"
            built = build(
                *(folder / "instances" / phase / "train", [tokens], vocabulary),
                **{"name": shard, "phase": phase, "masking": masking},
            )
            train.append((f"train/{shard}.arrow", built.statistics))
        write_manifest(phase, {"train": train}, folder / "instances" / phase / "manifest.json")
    return folder


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    main([str(argument) for argument in arguments])
    return capsys.readouterr().out


def rows_of(path: Path) -> list[dict]:
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all().to_pylist()


def test_a_text_that_spells_out_sep_is_not_cut_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("tokenizer", "tokens"):
        (tmp_path / folder).mkdir()
    vocabulary = write_vocabulary(tmp_path / "tokenizer" / "vocab.txt", SIZE)
    sep = vocabulary.read_text(encoding="utf-8").split("\n").index("[SEP]")
    documents = [
        Document([FIRST, sep, FIRST + 1, FIRST + 2], [4]),
        Document([FIRST + 3] * 40, [40]),
    ]
    tokens = write_tokens(tmp_path / "tokens" / "0000.arrow", documents, SIZE)
    folder = tmp_path / "instances" / "l64" / "train"
    build(folder, [tokens], vocabulary, name="0000", pairs={"kind": "none"})
    rows = rows_of(folder / "0000.arrow")
    (number,) = [n for n, row in enumerate(rows) if len(row["doc_ids"]) == 2][:1]
    text = shown(capsys, folder / "0000.arrow", number)
    assert f"tokens {rows[number]['segment_starts'][0] + 1} to 4 of 4" in text


def test_an_instance_is_shown_with_its_sources_and_masks(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = results / "instances" / "l64" / "train" / "0001.arrow"
    rows = rows_of(path)
    for number in (0, len(rows) - 1):
        row, text = rows[number], shown(capsys, path, number)
        assert f"instance {number} of {len(rows)}, phase l64, split train" in text
        assert f"label {row['next_sentence_label']}: the second segment" in text
        masked = re.findall(r"(\S+)<p(\d+)>", text)
        assert [int(piece) for _, piece in masked] == row["mlm_labels"]
        assert f"{len(masked)} of {len(row['input_ids']) - 3} tokens" in text
        for doc_id in row["doc_ids"]:
            assert f"document {doc_id}: source made, kind judgment, group g" in text
        pieces = [re.sub(r".*<(.*)>", r"\1", piece) for piece in text.split() if piece[0] in "[p"]
        ids = [int(piece[1:]) for piece in pieces if re.fullmatch(r"p\d+", piece)]
        assert ids == np.concatenate(segments(row)).tolist()


def test_tokens_and_sentences_are_those_of_the_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vocabulary = write_vocabulary(tmp_path / "vocab.txt", SIZE)
    document = Document(list(range(FIRST, FIRST + 100)), [10, 30, 60, 100])
    tokens = write_tokens(tmp_path / "tokens.arrow", [document], SIZE)
    built = build(tmp_path / "out", [tokens], vocabulary, max_seq_length=43)
    for number, row in enumerate(built.rows()):
        text = shown(capsys, built.path, number, *("--tokenizer", tmp_path), *("--tokens", tokens))
        for part in segments(row):
            first, last = part[0] - FIRST + 1, part[-1] - FIRST + 1
            sentences = np.searchsorted([10, 30, 60, 100], [first, last]) + 1
            assert (
                f"tokens {first} to {last} of 100, "
                f"sentences {sentences[0]} to {sentences[1]} of 4\n"
            ) in text


def test_dynamic_masks_are_those_the_loader_draws_in_that_epoch(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = results / "instances" / "d64" / "train"
    paths = [folder / "0000.arrow", folder / "0001.arrow"]
    store = InstanceStore(paths, results / "tokenizer" / "vocab.txt")
    before = len(InstanceStore(paths[:1]))
    for epoch, progress in ((0, 0.0), (3, 0.0), (3, 1.0)):
        text = shown(capsys, paths[1], 5, "--epoch", epoch, "--progress", progress)
        rows = store.rows(np.array([before + 5]), np.array([epoch]), progress)
        masked = [int(piece) for piece in re.findall(r"<p(\d+)>", text)]
        assert masked == rows.mlm_labels.tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("l64/train/0000.arrow", 100000), r"instances, numbered from 0; there is no 100000"),
        (("l64/train/0000.arrow", -1), r"there is no -1"),
        (("d64/train/0000.arrow", 0), r"each epoch; name one \(--epoch\)"),
        (("d64/train/9999.arrow", 0), r"9999\.arrow: not a readable instance file"),
        (("l64/manifest.json", 0), r"manifest\.json: not a readable instance file"),
        (("../tokens/0000.arrow", 0), r"0000\.arrow: not an instance file"),
        (
            ("l64/train/0000.arrow", 0, "--tokenizer", "nowhere"),
            r"nowhere/vocab\.txt does not exist",
        ),
        (
            ("l64/train/0000.arrow", 0, "--tokens", "nowhere"),
            r"nowhere: not a readable tokens file",
        ),
    ],
)
def test_what_cannot_be_shown_is_said(results: Path, arguments: tuple, message: str) -> None:
    given = [str(results / "instances" / arguments[0]), *map(str, arguments[1:])]
    with pytest.raises(SystemExit, match=f"malmoi: .*{message}"):
        main(given)


def test_another_vocabulary_is_refused(results: Path, tmp_path: Path) -> None:
    write_vocabulary(tmp_path / "vocab.txt", SIZE + 1)
    path = results / "instances" / "l64" / "train" / "0000.arrow"
    with pytest.raises(SystemExit, match=r"made with another vocabulary"):
        main([str(path), "0", "--tokenizer", str(tmp_path)])
