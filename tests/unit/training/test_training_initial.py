"""Continued pretraining begins with the encoder's own weights, whatever pieces the run has."""

from __future__ import annotations

import json
import logging

import pytest
import torch
from malmoi.errors import InputError
from malmoi.training.initial import fingerprint_of, initial_weights
from malmoi.training.model import untrained
from safetensors.torch import load_file
from tokenizers.implementations import BertWordPieceTokenizer
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    BertModel,
    ModernBertConfig,
)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
OLD = [*SPECIAL, "판", "##결", "판결", "손", "##해", "배", "##상", "##배", "é"]
DIMENSIONS = {
    "num_hidden_layers": 1,
    "hidden_size": 8,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}
WORDS = "bert.embeddings.word_embeddings.weight"
PLACES = "bert.embeddings.position_embeddings.weight"


def config(pieces, places=16, **changes):
    given = DIMENSIONS | changes
    return BertConfig(vocab_size=len(pieces), max_position_embeddings=places, **given)


def vocabulary(path, pieces):
    path.write_text("\n".join(pieces) + "\n", encoding="utf-8")
    return path


def encoder(folder, kind=BertForPreTraining, pieces=OLD, lower=False, **changes):
    """Write an encoder whose every weight is drawn by chance, and return the model."""
    model = kind(config(pieces, **changes))
    with torch.no_grad():
        for number, value in enumerate(model.parameters()):
            value.copy_(torch.randn(value.shape, generator=torch.Generator().manual_seed(number)))
    model.save_pretrained(folder)
    tokenizer = BertWordPieceTokenizer(
        {piece: number for number, piece in enumerate(pieces)}, lowercase=lower, strip_accents=lower
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": lower}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    vocabulary(folder / "vocab.txt", pieces)
    return model


@pytest.fixture
def said(caplog):
    """What is logged."""
    logger = logging.getLogger("malmoi")
    logger.propagate = True
    caplog.set_level(logging.INFO, logger="malmoi")
    return caplog


def test_the_same_vocabulary_takes_all_as_it_is(tmp_path, said):
    model = encoder(tmp_path)
    weights = initial_weights(tmp_path, config(OLD), tmp_path / "vocab.txt", seed=1)
    expected = model.state_dict()
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    begun = untrained(config(OLD), seed=2)
    begun.load_state_dict(weights)
    ids = torch.tensor([[2, 7, 8, 9, 3]])
    assert torch.equal(begun.eval()(ids).prediction_logits, model.eval()(ids).prediction_logits)
    assert "is this run's, 14 pieces" in said.text


def test_shared_pieces_are_copied_and_new_ones_are_means(tmp_path, said):
    encoder(tmp_path)
    new = [
        *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]"),
        # As the old tokenizer cuts it: the longest piece first.
        *("판결", "판결해", "손해배상"),
        # The same letters inside a word and at its start.
        *("##결", "##결해", "결", "##판결", "배상", "##배상"),
        "법",
    ]
    weights = initial_weights(tmp_path, config(new), vocabulary(tmp_path / "new.txt", new), seed=1)
    given = load_file(tmp_path / "model.safetensors")
    sources = {
        **{piece: [piece] for piece in (*SPECIAL, "판결", "##결")},
        "판결해": ["판결", "##해"],
        "손해배상": ["손", "##해", "##배", "##상"],
        "##결해": ["##결", "##해"],
        "배상": ["배", "##상"],
        "##배상": ["##배", "##상"],
        # 결 and ##판 are no old pieces, and a reserved place is none that could be cut.
        **dict.fromkeys(("결", "##판결", "법", "[unused0]"), OLD),
    }
    for name in (WORDS, "cls.predictions.bias"):
        for row, piece in zip(weights[name], new, strict=True):
            rows = given[name][[OLD.index(each) for each in sources[piece]]]
            torch.testing.assert_close(row, rows.mean(dim=0), msg=piece)
    assert torch.equal(weights["cls.predictions.decoder.weight"], weights[WORDS])
    untrained(config(new), seed=2).load_state_dict(weights)
    assert "7 pieces are copied, 5 new pieces are means of old ones, 4 new" in said.text


def test_a_tokenizer_that_changes_letters_says_what_a_new_piece_was(tmp_path):
    encoder(tmp_path, pieces=[*SPECIAL, "a", "##b"], lower=True)
    new = [*SPECIAL, "Áb"]
    weights = initial_weights(tmp_path, config(new), vocabulary(tmp_path / "new.txt", new), seed=1)
    given = load_file(tmp_path / "model.safetensors")[WORDS]
    torch.testing.assert_close(weights[WORDS][5], (given[5] + given[6]) / 2)


@pytest.mark.parametrize(
    ("kind", "heads"),
    [
        (BertModel, ("masked-word head", "next-sentence head")),
        (BertForMaskedLM, ("pooler", "next-sentence head")),
    ],
)
def test_missing_heads_begin_untrained_and_are_told(tmp_path, said, kind, heads):
    encoder(tmp_path, kind)
    state = torch.random.get_rng_state()
    weights = initial_weights(tmp_path, config(OLD), tmp_path / "vocab.txt", seed=3)
    assert torch.equal(torch.random.get_rng_state(), state)
    given = load_file(tmp_path / "model.safetensors")
    given = {
        name if kind is BertForMaskedLM else f"bert.{name}": each for name, each in given.items()
    }
    fresh = untrained(config(OLD), seed=3).state_dict()
    tied = {"cls.predictions.decoder.weight": WORDS}
    for name, value in weights.items():
        source = tied.get(name, name)
        shared = "cls.predictions.bias" if source == "cls.predictions.decoder.bias" else source
        assert torch.equal(value, given.get(shared, fresh.get(shared))), name
    known = ("pooler", "masked-word head", "next-sentence head")
    assert tuple(head for head in known if f"has no {head}" in said.text) == heads


@pytest.mark.parametrize("places", [8, 24])
def test_fewer_places_are_cut_and_more_begin_untrained(tmp_path, places):
    encoder(tmp_path)
    ours = config(OLD, places)
    weights = initial_weights(tmp_path, ours, tmp_path / "vocab.txt", seed=1)
    given = load_file(tmp_path / "model.safetensors")[PLACES]
    fresh = untrained(ours, seed=1).state_dict()[PLACES]
    assert torch.equal(weights[PLACES], torch.cat([given, fresh[16:]])[:places])


def test_other_dimensions_are_refused_with_those_to_set(tmp_path):
    encoder(tmp_path)
    with pytest.raises(
        InputError,
        match=r"heads 2 there, 4 here; intermediate_size 24 there, 32 here.* set pretrain.model to "
        r"\{layers: 1, hidden_size: 8, heads: 2, intermediate_size: 24\}",
    ):
        initial_weights(
            tmp_path,
            config(OLD, num_attention_heads=4, intermediate_size=32),
            tmp_path / "vocab.txt",
            seed=1,
        )


def test_what_is_no_plain_bert_is_refused(tmp_path):
    def begin(ours=None):
        initial_weights(tmp_path, ours or config(OLD), tmp_path / "vocab.txt", seed=1)

    encoder(tmp_path)
    with pytest.raises(InputError, match="model_type is 'bert', that of this run is 'modernbert'"):
        begin(ModernBertConfig(num_hidden_layers=1, hidden_size=8, vocab_size=len(OLD)))
    path = tmp_path / "config.json"
    saved = path.read_text()
    path.write_text(saved.replace('"gelu"', '"relu"'))
    with pytest.raises(InputError, match="hidden_act is relu; malmoi trains with gelu"):
        begin()
    path.write_text(saved.replace('"bert"', '"roberta"'))
    with pytest.raises(InputError, match="model_type is 'roberta', that of this run is 'bert'"):
        begin()
    path.write_text(saved)
    weights = tmp_path / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-8])
    with pytest.raises(InputError, match="cannot be loaded"):
        begin()
    weights.rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"pickle.* save_pretrained\(\)"):
        begin()


def test_the_fingerprint_is_of_what_is_read(tmp_path):
    encoder(tmp_path)
    before = fingerprint_of(tmp_path)
    (tmp_path / "README.md").write_text("a card")
    assert fingerprint_of(tmp_path) == before
    found = {before}
    for name in ("model.safetensors", "vocab.txt", "config.json"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes() + b"\n")
        found.add(fingerprint_of(tmp_path))
    assert len(found) == 4
