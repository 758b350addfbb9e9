"""Held-out figures equal hand computation, and the untrained network is at chance."""

import json
import math
import shutil
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest
import torch
from malmoi.errors import InputError
from malmoi.evaluation.pretraining import (
    evaluate_pretraining,
    instance_sums,
    label_counts,
    masked_labels,
    piece_characters,
    unigram_losses,
)
from malmoi.fingerprint import of_file
from malmoi.instances import shards
from malmoi.instances.loader import InstanceStore, left_to_right, packed, padded
from malmoi.training.model import PretrainingModule, model_config, untrained
from transformers import AutoTokenizer, BertForPreTraining

CPU = torch.device("cpu")
CLS, SEP, MASK = 2, 3, 4
VOCABULARY = 5 + 2 * 21


@dataclass
class Instance:
    """One made instance: what is read, what was masked, and where it came from."""

    a: list[int]
    b: list[int]
    masked: dict[int, int]
    follows: bool = True
    doc_id: str = "a" * 32
    row: dict = field(default_factory=dict)

    def __post_init__(self):
        ids = [CLS, *self.a, SEP, *self.b, SEP]
        for position in self.masked:
            ids[position] = MASK
        self.row = {
            "input_ids": ids,
            "token_type_ids": [0] * (len(self.a) + 2) + [1] * (len(self.b) + 1),
            "mlm_positions": list(self.masked),
            "mlm_labels": list(self.masked.values()),
            "next_sentence_label": 0 if self.follows else 1,
            "doc_ids": [self.doc_id, self.doc_id],
            "segment_starts": [0, len(self.a)],
        }


def write(path, instances, vocabulary_size=VOCABULARY):
    columns = shards.schema(vocabulary_size, "static")
    table = pa.Table.from_pylist([one.row for one in instances], schema=columns)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=4)
    return path


def made(count: int, documents: int, seed: int = 0) -> list[Instance]:
    generator = np.random.default_rng(seed)
    instances = []
    for number in range(count):
        a, b = (generator.integers(5, VOCABULARY, size).tolist() for size in (6 + number % 5, 5))
        masked = {1 + number % 4: a[number % 4], len(a) + 3: b[1]}
        doc_id = f"{number % documents:032x}"
        instances.append(Instance(a, b, masked, follows=number % 2 == 0, doc_id=doc_id))
    return instances


@pytest.fixture
def forced(model_dir):
    """A model whose heads ignore their input: token 7 has logit 2, "follows" has logit 1."""
    model = BertForPreTraining.from_pretrained(model_dir)
    with torch.no_grad():
        model.cls.predictions.decoder.weight.zero_()
        model.cls.predictions.decoder.bias.zero_()
        model.cls.predictions.decoder.bias[7] = 2.0
        model.cls.seq_relationship.weight.zero_()
        model.cls.seq_relationship.bias.copy_(torch.tensor([1.0, 0.0]))
    return model


def test_forced_logits_give_the_losses_computed_by_hand(forced, tmp_path):
    instances = [
        Instance([7, 8, 9], [10, 11], {1: 7, 5: 10}, follows=True),
        Instance([7, 7, 9, 9], [7, 11], {2: 7, 6: 7, 7: 11}, follows=False),
        Instance([8], [9], {}, follows=True),
    ]
    store = InstanceStore([write(tmp_path / "all.arrow", instances)])
    sums = instance_sums(forced, store, 2, CPU)
    normalizer = math.log(VOCABULARY - 1 + math.e**2)
    pair = math.log(1 + math.e)
    expected = [
        [2 * normalizer - 2, 1, 2, pair - 1, 1, 1],
        [3 * normalizer - 4, 2, 3, pair, 0, 1],
        [0, 0, 0, pair - 1, 1, 1],
    ]
    assert sums == pytest.approx(np.array(expected), abs=1e-5)


def test_the_batch_size_changes_nothing(model_dir, tmp_path):
    model = BertForPreTraining.from_pretrained(model_dir)
    store = InstanceStore([write(tmp_path / "all.arrow", made(9, 3))])
    one, four = (instance_sums(model, store, size, CPU) for size in (1, 4))
    assert one == pytest.approx(four, abs=1e-4)


def test_sums_agree_with_the_loss_of_the_whole_model(model_dir, tmp_path):
    model = BertForPreTraining.from_pretrained(model_dir).eval()
    store = InstanceStore([write(tmp_path / "all.arrow", made(8, 3))])
    total = instance_sums(model, store, 3, CPU).sum(0)
    batch = {
        name: torch.from_numpy(value).long()
        for name, value in padded(store.rows(np.arange(8))).items()
    }
    with torch.no_grad():
        whole = model(**batch)
    assert total[0] / total[2] + total[3] / total[5] == pytest.approx(float(whole.loss), abs=1e-5)


@pytest.mark.parametrize("objective", ["mlm", "ltr", "modernbert"])
def test_models_without_pairs_are_measured_as_they_were_trained(objective, model_dir, tmp_path):
    dimensions = {"layers": 2, "hidden_size": 32, "heads": 2, "dropout": 0.0}
    if objective == "modernbert":
        dimensions, objective = {**dimensions, "architecture": "modernbert"}, "mlm"
    model = untrained(model_config(VOCABULARY, dimensions, 64, objective), 1, objective)
    folder = tmp_path / "model"
    shutil.copytree(model_dir, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    model.save_pretrained(folder)
    path = write(tmp_path / "all.arrow", made(8, 3))
    report = evaluate_pretraining(folder, {"test": [path]}, [path], 3, 3, tmp_path / "report.json")
    rows = InstanceStore([path]).rows(np.arange(8))
    if objective == "ltr":
        rows = left_to_right(rows)
    given = packed(rows)
    longest = given.pop("max_seqlen")
    given = {name: torch.from_numpy(value).long() for name, value in given.items()}
    with torch.no_grad():
        sums = PretrainingModule(model).eval()({**given, "max_seqlen": longest})
    figures = report["test"]["trained"]
    assert figures["mlm_loss"] == pytest.approx(float(sums.mlm_loss / sums.mlm_count), abs=1e-5)
    assert figures["masked_tokens"] == report["test"]["unigram"]["masked_tokens"] == sums.mlm_count
    assert "nsp_loss" not in figures
    # Every piece is a syllable, special tokens are none: a left-to-right model predicts these too.
    syllables = figures["masked_tokens"] - (16 if objective == "ltr" else 0)
    bits = float(sums.mlm_loss) / syllables / math.log(2)
    assert figures["mlm_bits_per_character"] == pytest.approx(bits, abs=1e-5)


def test_the_unigram_loss_is_that_of_smoothed_counts(tmp_path):
    train = [Instance([7] * 4, [8] * 4, {1: 7, 2: 7, 3: 7, 7: 8})]
    path = write(tmp_path / "train.arrow", train)
    counts = label_counts(InstanceStore([path, path]), VOCABULARY)
    assert counts[7] == 6
    assert counts[8] == 2
    losses = unigram_losses(counts)
    assert losses[7] == pytest.approx(-math.log(7 / (8 + VOCABULARY)))
    assert losses[20] == pytest.approx(-math.log(1 / (8 + VOCABULARY)))
    assert np.exp(-losses).sum() == pytest.approx(1)


def test_pieces_stand_for_their_characters(model_dir):
    characters = piece_characters(model_dir, VOCABULARY)
    vocabulary = AutoTokenizer.from_pretrained(model_dir).get_vocab()
    assert characters[:5].tolist() == [0] * 5
    assert characters[vocabulary["법"]] == characters[vocabulary["##법"]] == 1


def test_labels_come_back_by_instance(tmp_path):
    instances = [Instance([7, 8], [9], {1: 7}), Instance([8], [9], {}), *made(7, 2)]
    labels = masked_labels(InstanceStore([write(tmp_path / "all.arrow", instances)]), VOCABULARY)
    assert [row.tolist() for row in labels] == [one.row["mlm_labels"] for one in instances]


@pytest.fixture
def evaluate(model_dir, tmp_path):
    def run(name, validation, test, train):
        paths = {
            split: [write(tmp_path / f"{name}-{split}.arrow", instances)]
            for split, instances in (("validation", validation), ("test", test))
        }
        train_path = write(tmp_path / f"{name}-train.arrow", train)
        output = tmp_path / f"{name}.json"
        evaluate_pretraining(model_dir, paths, [train_path], 3, 16, output, threads=1)
        return output

    return run


def test_the_report_sets_the_model_beside_its_baselines(evaluate):
    sizes = {"validation": 40, "test": 240}
    output = evaluate("all", made(40, 5, 1), made(240, 60, 2), made(50, 5, 3))
    report = json.loads(output.read_text())
    for split, size in sizes.items():
        part = report[split]
        assert part["instances"] == part["trained"]["pairs"] == size
        assert part["trained"]["masked_tokens"] == part["unigram"]["masked_tokens"] == 2 * size
        # One syllable per piece: bits per character are bits per token here.
        bits = part["trained"]["mlm_bits_per_character"]
        assert bits == pytest.approx(part["trained"]["mlm_loss"] / math.log(2), abs=1e-5)
        fall = 1 - part["trained"]["mlm_loss"] / part["untrained"]["mlm_loss"]
        assert part["mlm_loss_fall"] == pytest.approx(fall, abs=1e-5)
        for model in ("trained", "untrained", "unigram"):
            low, high = part[model]["intervals"]["mlm_loss"]
            assert low <= part[model]["mlm_loss"] <= high
    untrained = report["test"]["untrained"]
    assert untrained["mlm_loss"] == pytest.approx(math.log(VOCABULARY), rel=0.05)
    assert untrained["nsp_loss"] == pytest.approx(math.log(2), rel=0.05)
    assert 0.35 < untrained["nsp_accuracy"] < 0.65
    assert report["validation"]["documents"] == 5


def test_the_same_inputs_give_the_same_bytes(evaluate):
    splits = made(12, 4, 1), made(12, 4, 2), made(12, 4, 3)
    assert evaluate("one", *splits).read_bytes() == evaluate("two", *splits).read_bytes()


def test_what_cannot_be_evaluated_is_named(evaluate, model_dir, tmp_path):
    with pytest.raises(InputError, match=r"validation split.*curate\.split\.validation"):
        evaluate("empty", [], made(4, 2), made(4, 2))
    with pytest.raises(InputError, match="test split"):
        evaluate("unmasked", made(4, 2), [Instance([7], [8], {})], made(4, 2))
    foreign = Instance([VOCABULARY + 5], [8], {1: VOCABULARY + 5})
    with pytest.raises(InputError, match=f"token id {VOCABULARY + 5} is outside"):
        evaluate("foreign", made(4, 2), made(4, 2), [foreign])


def test_dynamic_masks_stay_the_same_and_instances_without_pairs_have_no_nsp(model_dir, tmp_path):
    masking = {"when": "dynamic", "unit": "piece", "rate": 0.5, "final_rate": 0.2}
    settings = {
        **{"phase": "l64", "split": "test", "seed": 4},
        **{"masking": {**masking, "functional_weight": 1.0, "span_mean": 3.0}},
        **{"vocabulary_sha256": of_file(model_dir / "vocab.txt")},
    }
    columns = shards.schema(VOCABULARY, "dynamic", settings)
    draw = np.random.default_rng(5)
    rows = []
    for number in range(40):
        size = int(draw.integers(10, 30))
        ids = [CLS, *draw.integers(5, VOCABULARY, size).tolist(), SEP]
        rows.append(
            {
                "input_ids": ids,
                "token_type_ids": [0] * (size + 2),
                "next_sentence_label": -100,
                "doc_ids": [f"{number % 7}", "x"],
                "segment_starts": [0, 9],
                "unit_starts": [0, *[3] * size, 0],
            }
        )
    path = tmp_path / "dynamic.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, columns) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=columns))
    outputs = [tmp_path / name for name in ("one.json", "two.json")]
    for output in outputs:
        splits = {"validation": [path], "test": [path]}
        evaluate_pretraining(model_dir, splits, [path], 3, 16, output, threads=1)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    part = json.loads(outputs[0].read_text())["test"]
    assert part["documents"] == 7
    tokens = sum(len(row["input_ids"]) - 2 for row in rows)
    assert part["trained"]["masked_tokens"] == pytest.approx(0.2 * tokens, rel=0.1)
    assert part["trained"]["mlm_loss"] > 0
    assert not [name for name in part["trained"] if "nsp" in name or name == "pairs"]
