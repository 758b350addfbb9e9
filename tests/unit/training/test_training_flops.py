"""The count of a step's arithmetic, beside the literature's figures and PyTorch's own counter."""

import pytest
import torch
from malmoi.training.flops import peak_flops, step_flops
from malmoi.training.model import model_config
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertForPreTraining


@pytest.mark.parametrize(("length", "megaflops"), [(128, 546), (512, 589)])
def test_bert_base_takes_what_is_known_of_it(length: int, megaflops: int) -> None:
    config = model_config(32_000, "base", 512)
    masked = 0.15 * length * 1000
    flops = step_flops(
        config,
        tokens=length * 1000,
        squared_lengths=length**2 * 1000,
        masked=round(masked),
        sequences=1000,
    )
    assert flops / (length * 1000) / 1e6 == pytest.approx(megaflops, abs=0.5)


@pytest.mark.parametrize("pairs", [True, False])
def test_the_count_is_that_of_pytorch(pairs: bool) -> None:
    dimensions = {"layers": 2, "hidden_size": 24, "heads": 3, "intermediate_size": 40}
    config = model_config(70, dimensions, 16)
    # PyTorch's counter does not see into the fused attention of every device.
    config._attn_implementation = "eager"
    model = BertForPreTraining(config)
    if not pairs:
        model.bert.pooler = None
    sequences, length, masked = 5, 16, 13
    with FlopCounterMode(display=False) as counter:
        hidden = model.bert(torch.randint(5, 70, (sequences, length)))
        chosen = hidden.last_hidden_state.flatten(0, 1)[:masked]
        loss = model.cls.predictions(chosen).sum()
        if pairs:
            loss = loss + model.cls.seq_relationship(hidden.pooler_output).sum()
        loss.backward()
    assert counter.get_total_flops() == step_flops(
        config,
        tokens=sequences * length,
        squared_lengths=sequences * length**2,
        masked=masked,
        sequences=sequences if pairs else 0,
    )


def test_peaks_are_of_the_very_device() -> None:
    assert peak_flops("NVIDIA H100 80GB HBM3", "bf16") == 989e12
    assert peak_flops("NVIDIA A100-SXM4-80GB", "tf32") == 156e12
    part = "NVIDIA H100 80GB HBM3 MIG 1g.10gb"
    for name in ("cpu", part, "NVIDIA H100 NVL"):
        assert peak_flops(name, "bf16") is None
    assert peak_flops("NVIDIA H200", "fp16") is None
