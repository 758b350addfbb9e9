"""The losses are those of plain BertForPreTraining, and the first weights are a function of a seed."""

import pytest
import torch
from malmoi.errors import InputError
from malmoi.training.model import (
    SIZES,
    bert_config,
    pretraining_outputs,
    untrained,
)
from transformers import BertForPreTraining

SMALL = {"layers": 2, "hidden_size": 32, "heads": 4, "dropout": 0.0}


def model(seed: int = 1) -> BertForPreTraining:
    return untrained(bert_config(50, SMALL, 32), seed)


def batch(seed: int = 0, masked: bool = True) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    lengths = torch.tensor([20, 9, 14])
    inside = torch.arange(20) < lengths[:, None]
    ids = torch.randint(5, 50, (3, 20), generator=draw) * inside
    chosen = (torch.rand((3, 20), generator=draw) < 0.2) & inside & masked
    return {
        "input_ids": ids,
        "token_type_ids": ((torch.arange(20) >= 7) & inside).long(),
        "attention_mask": inside.long(),
        "labels": torch.where(chosen, torch.randint(5, 50, (3, 20), generator=draw), -100),
        "next_sentence_label": torch.tensor([0, 1, 1]),
    }


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_losses_and_gradients_are_those_of_plain_bert(seed: int) -> None:
    ours, plain, given = model(), model(), batch(seed)
    outputs = pretraining_outputs(ours, given)
    outputs.loss.backward()
    expected = plain(**given)
    expected.loss.backward()
    assert outputs.loss.item() == pytest.approx(expected.loss.item(), abs=1e-6)
    assert outputs.loss.item() == pytest.approx(outputs.mlm_loss.item() + outputs.nsp_loss.item())
    for (name, value), other in zip(ours.named_parameters(), plain.parameters(), strict=True):
        assert value.grad is not None and other.grad is not None, name
        torch.testing.assert_close(value.grad, other.grad, rtol=0, atol=1e-5, msg=name)


def test_correct_predictions_are_counted_where_something_was_masked() -> None:
    given = batch()
    network = model()
    outputs = pretraining_outputs(network, given)
    plain = network(**{name: value for name, value in given.items() if "label" not in name})
    chosen = given["labels"] >= 0
    predicted = plain.prediction_logits.argmax(-1)
    following = plain.seq_relationship_logits.argmax(-1)
    assert outputs.mlm_count == chosen.sum() > 0
    assert outputs.mlm_correct == (predicted == given["labels"])[chosen].sum()
    assert outputs.nsp_count == 3
    assert outputs.nsp_correct == (following == given["next_sentence_label"]).sum()
    given["labels"][chosen] = predicted[chosen]
    assert pretraining_outputs(network, given).mlm_correct == outputs.mlm_count


def test_a_batch_without_masks_has_no_mlm_loss() -> None:
    outputs = pretraining_outputs(model(), batch(masked=False))
    assert outputs.mlm_loss == 0 and outputs.mlm_count == 0
    assert outputs.loss == outputs.nsp_loss
    outputs.loss.backward()


def test_rows_that_are_no_pairs_count_for_mlm_alone() -> None:
    given, network = batch(), model()
    whole = pretraining_outputs(network, given)
    given["next_sentence_label"] = torch.full((3,), -100)
    outputs = pretraining_outputs(network, given)
    assert outputs.nsp_loss == outputs.nsp_count == outputs.nsp_correct == 0
    assert outputs.loss == outputs.mlm_loss == whole.mlm_loss
    outputs.loss.backward()
    gradient = network.cls.seq_relationship.weight.grad
    assert gradient is not None and not gradient.any()
    given["next_sentence_label"] = torch.tensor([-100, 1, -100])
    one = pretraining_outputs(network, {name: value[1:2] for name, value in given.items()})
    mixed = pretraining_outputs(network, given)
    assert mixed.nsp_count == 1
    assert mixed.nsp_loss.item() == pytest.approx(one.nsp_loss.item(), abs=1e-6)


def test_losses_are_float32_whatever_the_model_is() -> None:
    outputs = pretraining_outputs(model().to(torch.bfloat16), batch())
    assert outputs.loss.dtype == outputs.mlm_loss.dtype == outputs.nsp_loss.dtype == torch.float32


def test_first_weights_are_a_function_of_the_seed_and_leave_torch_alone() -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = model(3).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    again, other = model(3).state_dict(), model(4).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    name = "bert.encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(first[name], other[name])


@pytest.mark.parametrize("name", SIZES)
def test_named_sizes_are_those_of_bert(name: str) -> None:
    config = bert_config(100, name, 512)
    assert config.hidden_size // config.num_attention_heads == 64
    assert config.intermediate_size == 4 * config.hidden_size
    assert config.hidden_dropout_prob == config.attention_probs_dropout_prob == 0.1
    assert config.max_position_embeddings == 512 and config.vocab_size == 100


def test_given_dimensions_are_taken() -> None:
    config = bert_config(9, {**SMALL, "intermediate_size": 40, "dropout": 0.2}, 16)
    assert (config.num_hidden_layers, config.intermediate_size) == (2, 40)
    assert config.attention_probs_dropout_prob == 0.2


def test_heads_must_divide_the_hidden_size() -> None:
    with pytest.raises(InputError, match="hidden_size 32 is not a multiple of heads 5"):
        bert_config(50, {**SMALL, "heads": 5}, 32)
