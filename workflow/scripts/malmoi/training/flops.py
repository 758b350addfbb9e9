"""The arithmetic of a training step: matrix products by our own count, and what devices can do at most."""

from __future__ import annotations

from transformers import BertConfig

#: Dense peaks (no sparsity) by the name the driver gives, in TFLOP/s.
_PEAKS: dict[str, dict[str, float]] = {
    "NVIDIA A100-PCIE-40GB": {"bf16": 312, "tf32": 156, "fp32": 19.5},
    "NVIDIA A100 80GB PCIe": {"bf16": 312, "tf32": 156, "fp32": 19.5},
    "NVIDIA A100-SXM4-40GB": {"bf16": 312, "tf32": 156, "fp32": 19.5},
    "NVIDIA A100-SXM4-80GB": {"bf16": 312, "tf32": 156, "fp32": 19.5},
    "NVIDIA H100 PCIe": {"bf16": 756, "tf32": 378, "fp32": 51},
    "NVIDIA H100 80GB HBM3": {"bf16": 989, "tf32": 494, "fp32": 67},
    "NVIDIA H200": {"bf16": 989, "tf32": 494, "fp32": 67},
    "NVIDIA L40S": {"bf16": 362, "tf32": 183, "fp32": 91.6},
}


def step_flops(
    config: BertConfig, *, tokens: int, squared_lengths: int, masked: int, sequences: int
) -> int:
    """Return the FLOPs that the model's matrix products of a step need, forward and backward.

    They are what MFU counts (Chowdhery et al. 2022): two per multiply-add; the backward pass, with one product
    for the inputs' gradient and one for the weights', is twice the forward pass. Not counted: embeddings,
    LayerNorm, softmax, activations, the optimizer, and whatever an implementation computes beyond need
    (padding, logits of positions that are not masked, attention anew in the backward pass).

    Args:
        config: the model's dimensions.
        tokens: tokens that are no padding.
        squared_lengths: sum of the squares of the sequences' lengths, padding left out.
        masked: positions whose piece is predicted.
        sequences: sequences with a pair label, which pass through the pooler and the next-sentence head.
    """
    hidden = config.hidden_size
    layer = 4 * hidden * hidden + 2 * hidden * config.intermediate_size
    products = (
        tokens * config.num_hidden_layers * layer
        + squared_lengths * config.num_hidden_layers * 2 * hidden
        + masked * (hidden * hidden + hidden * config.vocab_size)
        + sequences * (hidden * hidden + 2 * hidden)
    )
    return 3 * 2 * products


def peak_flops(device_name: str, precision: str) -> float | None:
    """Return the most FLOP/s of a device in dense matrix products, or None where it is not known.

    Names are those of ``torch.cuda.get_device_name`` and must match as a whole: a part of a GPU (MIG) or a
    variant with fewer units has another peak. Figures are those of NVIDIA's data sheets of A100, H100, H200
    and L40S, halved where the sheet gives them with sparsity.

    Args:
        device_name: the driver's name of the GPU; anything else, such as "cpu", is not known.
        precision: ``bf16``, ``tf32``, or ``fp32`` for products without tensor cores.
    """
    teraflops = _PEAKS.get(device_name, {}).get(precision)
    return None if teraflops is None else teraflops * 1e12
