"""What the optimizers compute, and that what a checkpoint keeps of them is enough to go on."""

from collections.abc import Iterator

import pytest
import torch
from malmoi.training.optimizer import make_optimizer, parameter_groups, set_steps, state_keys
from torch import nn
from transformers import BertConfig, BertForPreTraining

SETTINGS = {
    **{"learning_rate": 0.02, "betas": [0.9, 0.98], "epsilon": 1e-6},
    **{"weight_decay": 0.1, "optimizer": "lamb"},
}


def module() -> nn.Sequential:
    """Return a layer of common size, a LayerNorm and a layer whose norm is far above 10."""
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(6, 5), nn.LayerNorm(5), nn.Linear(5, 4)).double()
    with torch.no_grad():
        network[2].weight.mul_(100)
    return network


def gradients(network: nn.Module, steps: int) -> Iterator[None]:
    """Give the weights the gradients of one step after the other."""
    draw = torch.Generator().manual_seed(2)
    for _ in range(steps):
        for value in network.parameters():
            value.grad = torch.randn(value.shape, generator=draw, dtype=value.dtype)
        yield


def test_biases_and_layer_norms_do_not_decay() -> None:
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    bert = BertForPreTraining(BertConfig(vocab_size=20, intermediate_size=16, **sizes))
    decaying, free = parameter_groups(bert, 0.01)
    assert (decaying["weight_decay"], free["weight_decay"]) == (0.01, 0.0)
    names = {id(value): name for name, value in bert.named_parameters()}
    # Every weight once, the tied output embedding too.
    given = [id(value) for group in (decaying, free) for value in group["params"]]
    assert sorted(given) == sorted(names)
    for name in (names[id(value)] for value in decaying["params"]):
        assert name.endswith(".weight") and "LayerNorm" not in name
    for name in (names[id(value)] for value in free["params"]):
        assert name.endswith("bias") or "LayerNorm" in name


def lamb_reference(network: nn.Module, steps: int, rate: float) -> list[torch.Tensor]:
    """Return the weights after ``steps`` of LAMB (You et al. 2020, Algorithm 2, without bias correction)."""
    values = [value.detach().clone() for value in network.parameters()]
    first = [torch.zeros_like(value) for value in values]
    second = [torch.zeros_like(value) for value in values]
    (beta1, beta2), decay = SETTINGS["betas"], SETTINGS["weight_decay"]
    for _ in gradients(network, steps):
        for number, weight in enumerate(network.parameters()):
            first[number] = beta1 * first[number] + (1 - beta1) * weight.grad
            second[number] = beta2 * second[number] + (1 - beta2) * weight.grad**2
            update = first[number] / (second[number].sqrt() + SETTINGS["epsilon"])
            ratio = 1.0
            if weight.ndim == 2:
                update = update + decay * values[number]
                ratio = (values[number].norm() / update.norm()).item()
            values[number] = values[number] - rate * ratio * update
    return values


def test_lamb_is_that_of_the_paper() -> None:
    expected = lamb_reference(module(), 5, rate=0.01)
    network = module()
    optimizer = make_optimizer(network, SETTINGS, fused=False)
    for group in optimizer.param_groups:
        group["lr"] = 0.01  # as the loop sets it at each step
    for _ in gradients(network, 5):
        optimizer.step()
    for value, other in zip(network.parameters(), expected, strict=True):
        # The library adds epsilon to the divisor of the ratio.
        torch.testing.assert_close(value.detach(), other, rtol=1e-7, atol=1e-8)
    assert network[2].weight.norm() > 50


def test_a_matrix_moves_by_the_rate_times_its_norm_whatever_the_gradient() -> None:
    network = module()
    before = [value.detach().clone() for value in network.parameters()]
    optimizer = make_optimizer(network, SETTINGS, fused=False)
    for _ in gradients(network, 1):
        network[0].weight.grad *= 1000
        optimizer.step()
    for value, start in zip(network.parameters(), before, strict=True):
        if value.ndim == 2:
            moved = ((value - start).norm() / start.norm()).item()
            assert moved == pytest.approx(0.02, rel=1e-5)


def test_adamw_is_that_of_torch_with_its_groups() -> None:
    network, other = module(), module()
    optimizer = make_optimizer(network, SETTINGS | {"optimizer": "adamw"}, fused=False)
    values = {"lr": 0.02, "betas": (0.9, 0.98), "eps": 1e-6}
    matrices = [other[0].weight, other[2].weight]
    vectors = [value for value in other.parameters() if value.ndim == 1]
    references = [
        torch.optim.AdamW(matrices, **values, weight_decay=0.1),
        torch.optim.AdamW(vectors, **values, weight_decay=0.0),
    ]
    for _ in zip(gradients(network, 3), gradients(other, 3), strict=True):
        for each in (optimizer, *references):
            each.step()
    for value, expected in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(value, expected)


@pytest.mark.parametrize(("name", "fused"), [("adamw", False), ("adamw", True), ("lamb", False)])
def test_what_a_checkpoint_keeps_is_enough_to_go_on(name: str, fused: bool) -> None:
    settings = SETTINGS | {"optimizer": name}
    straight = module()
    # A weight that the objective does not use has no gradient, and so no state.
    straight.register_parameter("unused", nn.Parameter(torch.ones(2, 2)))
    optimizer = make_optimizer(straight, settings, fused)
    steps = gradients(straight, 7)
    for _ in range(4):
        next(steps)
        straight.unused.grad = None
        optimizer.step()

    resumed = module()
    resumed.register_parameter("unused", nn.Parameter(torch.ones(2, 2)))
    resumed.load_state_dict(straight.state_dict())
    after = make_optimizer(resumed, settings, fused)
    for value, source in zip(resumed.parameters(), straight.parameters(), strict=True):
        if source in optimizer.state:
            kept = {key: optimizer.state[source][key].clone() for key in state_keys(optimizer)}
            assert all(part.shape == value.shape for part in kept.values())
            after.state[value].update(kept)
    set_steps(after, after.state, 4)
    for _ in steps:
        for value, source in zip(resumed.parameters(), straight.parameters(), strict=True):
            value.grad = source.grad.clone() if value is not resumed.unused else None
        straight.unused.grad = None
        optimizer.step()
        after.step()
    for value, expected in zip(resumed.parameters(), straight.parameters(), strict=True):
        assert torch.equal(value, expected)
