"""Losses and gradients are those of plain transformers on padded batches, for every objective."""

import numpy as np
import pytest
import torch
from malmoi.errors import InputError
from malmoi.instances.loader import IGNORED, Rows, left_to_right, packed, padded
from malmoi.training.feed import Filling, step_of
from malmoi.training.model import (
    SIZES,
    PretrainingModule,
    PretrainingOutputs,
    model_config,
    untrained,
)
from torch import nn
from transformers import PreTrainedModel

SMALL = {"layers": 2, "hidden_size": 32, "heads": 4, "dropout": 0.0}
VOCABULARY, LONGEST = 50, 32

#: Lengths of instances: equal ones, very different ones, one alone, more than one group of attention holds.
BATCHES = {
    "even": [12] * 4,
    "uneven": [32, 31, 9, 2, 1],
    "one": [17],
    "many": [int(n) for n in np.random.default_rng(1).integers(3, 33, 90)],
}


def model(objective: str = "mlm+nsp", seed: int = 1, **dimensions: object) -> PreTrainedModel:
    return untrained(
        model_config(VOCABULARY, {**SMALL, **dimensions}, LONGEST, objective), seed, objective
    )


def instances(lengths: list[int], seed: int = 0, masked: bool = True) -> Rows:
    draw = np.random.default_rng(seed)
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    total = int(ends[-1])
    chosen = np.flatnonzero(draw.random(total) < 0.2) if masked else np.zeros(0, dtype=np.int64)
    return Rows(
        input_ids=draw.integers(5, VOCABULARY, total).astype(np.uint16),
        token_type_ids=draw.integers(0, 2, total).astype(np.uint8),
        cu_seqlens=ends,
        mlm_positions=chosen,
        mlm_labels=draw.integers(5, VOCABULARY, len(chosen)).astype(np.uint16),
        mlm_offsets=np.searchsorted(chosen, ends),
        next_sentence_label=draw.integers(0, 2, len(lengths)),
    )


def tensors(arrays: dict) -> dict:
    return {
        name: torch.from_numpy(np.asarray(value)).long() if np.ndim(value) else value
        for name, value in arrays.items()
    }


def outputs_of(network: PreTrainedModel, rows: Rows) -> PretrainingOutputs:
    return PretrainingModule(network)(tensors(packed(rows)))


def mean_loss(outputs: PretrainingOutputs) -> torch.Tensor:
    return outputs.mlm_loss / outputs.mlm_count.clamp(
        min=1
    ) + outputs.nsp_loss / outputs.nsp_count.clamp(min=1)


def assert_same_gradients(ours: nn.Module, plain: nn.Module) -> None:
    for (name, value), other in zip(ours.named_parameters(), plain.parameters(), strict=True):
        if value.grad is None:
            assert other.grad is None or not other.grad.any(), name
        else:
            torch.testing.assert_close(value.grad, other.grad, rtol=0, atol=1e-5, msg=name)


@pytest.mark.parametrize("lengths", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize(
    ("objective", "architecture"),
    [("mlm+nsp", "bert"), ("mlm", "bert"), ("mlm", "modernbert"), ("ltr", "bert")],
)
def test_losses_and_gradients_are_those_of_the_padded_batch(
    objective: str, architecture: str, lengths: list[int]
) -> None:
    ours, plain = (model(objective, architecture=architecture) for _ in range(2))
    rows = instances(lengths)
    if objective == "ltr":
        rows = left_to_right(rows)
    outputs = outputs_of(ours, rows)
    mean_loss(outputs).backward()

    given = tensors(padded(rows))
    pairs = given.pop("next_sentence_label")
    if objective == "mlm+nsp":
        given["next_sentence_label"] = pairs
    if objective == "ltr":
        # transformers shifts labels itself.
        given["labels"] = torch.where(given["attention_mask"] > 0, given["input_ids"], IGNORED)
    if architecture == "modernbert":
        del given["token_type_ids"]
    expected = plain.train()(**given)
    expected.loss.backward()
    assert mean_loss(outputs).item() == pytest.approx(expected.loss.item(), abs=1e-6)
    assert_same_gradients(ours, plain)


def test_left_to_right_models_do_not_see_what_comes_next() -> None:
    rows = left_to_right(instances([9, 7]))
    changed = left_to_right(instances([9, 7]))
    changed.input_ids[-1] = 5 + (changed.input_ids[-1] - 4) % (VOCABULARY - 5)
    changed.mlm_labels[-1] = rows.mlm_labels[-1]
    assert changed.input_ids[-1] != rows.input_ids[-1]
    network = model("ltr")
    assert outputs_of(network, rows).mlm_loss == outputs_of(network, changed).mlm_loss
    assert len(rows.mlm_positions) == 9 + 7 - 2


def test_micro_batches_of_fixed_shape_give_the_same_sums() -> None:
    rows, network = instances([20, 9, 14]), PretrainingModule(model())
    compiled = Filling(2 * LONGEST, 64, LONGEST)
    plain, filled = (step_of(rows, [2, 1], "mlm+nsp", one) for one in (Filling(), compiled))
    assert {tuple(shape) for shape in filled.shapes} == {(64, 65, 512, 64, LONGEST)}
    cpu = torch.device("cpu")
    for one, two in zip(plain.micro_batches(cpu), filled.micro_batches(cpu), strict=True):
        for value, other in zip(network(one), network(two), strict=True):
            assert value.item() == pytest.approx(other.item(), rel=1e-5)
    assert (filled.tokens, filled.pairs) == (plain.tokens, plain.pairs) == (43, 3)
    assert filled.squared_lengths == 20**2 + 9**2 + 14**2


def test_an_empty_micro_batch_has_no_loss_and_no_gradient() -> None:
    network = PretrainingModule(model())
    (batch,) = step_of(instances([]), [0], "mlm+nsp").micro_batches(torch.device("cpu"))
    outputs = network(batch)
    (outputs.mlm_loss + outputs.nsp_loss).backward()
    assert not any(value.item() for value in outputs)
    assert not any(value.grad.any() for value in network.parameters() if value.grad is not None)


def test_correct_predictions_are_counted_where_something_was_masked() -> None:
    rows, network = instances([20, 9, 14]), model()
    outputs = outputs_of(network, rows)
    given = tensors(padded(rows))
    network.config._attn_implementation = "sdpa"
    plain = network(**{name: value for name, value in given.items() if "label" not in name})
    chosen = given["labels"] >= 0
    predicted = plain.prediction_logits.argmax(-1)
    following = plain.seq_relationship_logits.argmax(-1)
    assert outputs.mlm_count == chosen.sum() > 0
    assert outputs.mlm_correct == (predicted == given["labels"])[chosen].sum()
    assert outputs.nsp_count == 3
    assert outputs.nsp_correct == (following == given["next_sentence_label"]).sum()
    rows.mlm_labels[:] = predicted[chosen].numpy()
    assert outputs_of(network, rows).mlm_correct == outputs.mlm_count


def test_a_batch_without_masks_has_no_mlm_loss() -> None:
    outputs = outputs_of(model(), instances([20, 9], masked=False))
    assert outputs.mlm_loss == outputs.mlm_count == 0
    mean_loss(outputs).backward()


def test_rows_that_are_no_pairs_count_for_mlm_alone() -> None:
    rows, network = instances([20, 9, 14]), model()
    whole = outputs_of(network, rows)
    rows.next_sentence_label[:] = IGNORED
    outputs = outputs_of(network, rows)
    assert outputs.nsp_loss == outputs.nsp_count == outputs.nsp_correct == 0
    assert outputs.mlm_loss == whole.mlm_loss
    mean_loss(outputs).backward()
    gradient = network.cls.seq_relationship.weight.grad
    assert gradient is not None and not gradient.any()
    rows.next_sentence_label[1] = 1
    mixed, one = outputs_of(network, rows), outputs_of(network, rows.part(1, 2))
    assert mixed.nsp_count == 1
    assert mixed.nsp_loss.item() == pytest.approx(one.nsp_loss.item(), abs=1e-6)


def test_the_z_loss_is_the_squared_logarithm_of_the_denominator() -> None:
    rows, network = instances([20, 9]), model()
    given = tensors(padded(rows))
    network.config._attn_implementation = "sdpa"
    plain = network(**{name: value for name, value in given.items() if "label" not in name})
    logits = plain.prediction_logits[given["labels"] >= 0]
    expected = torch.exp(logits).sum(-1).log().square().sum()
    assert outputs_of(network, rows).z_loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_losses_are_float32_whatever_the_model_is() -> None:
    outputs = outputs_of(model().to(torch.bfloat16), instances([20, 9]))
    assert {value.dtype for value in outputs} == {torch.float32}


def test_first_weights_are_a_function_of_the_seed_and_leave_torch_alone() -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = model(seed=3).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    again, other = model(seed=3).state_dict(), model(seed=4).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    name = "bert.encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(first[name], other[name])


@pytest.mark.parametrize("name", SIZES)
def test_named_sizes_are_those_of_bert(name: str) -> None:
    config = model_config(100, name, 512)
    assert config.hidden_size // config.num_attention_heads == 64
    assert config.intermediate_size == 4 * config.hidden_size
    assert config.hidden_dropout_prob == config.attention_probs_dropout_prob == 0.1
    assert config.max_position_embeddings == 512 and config.vocab_size == 100


def test_given_dimensions_are_taken() -> None:
    given = {**SMALL, "intermediate_size": 40, "dropout": 0.2}
    config = model_config(9, given, 16, attention_dropout=0.0)
    assert (config.num_hidden_layers, config.intermediate_size) == (2, 40)
    assert (config.hidden_dropout_prob, config.attention_probs_dropout_prob) == (0.2, 0.0)


@pytest.mark.parametrize(
    ("dimensions", "objective", "message"),
    [
        ({"heads": 5}, "mlm", "hidden_size 32 is not a multiple of heads 5"),
        ({"architecture": "modernbert"}, "mlm+nsp", "modernbert has no head for 'mlm.nsp'"),
    ],
)
def test_what_no_model_can_be_is_refused(dimensions: dict, objective: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        model(objective, **dimensions)
