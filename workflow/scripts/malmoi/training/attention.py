"""Attention over sequences that lie end to end, for the attention layers of plain transformers models.

Importing this module registers it there as the implementation ``packed``. A model trained with it has the
weights and the configuration of any other; only what computes the attention differs.
"""

from __future__ import annotations

import inspect
import itertools
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.attention.varlen import varlen_attn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface

#: Name of this implementation in transformers.
PACKED = "packed"

#: Positions that sequences of one group have at most, padding included: enough for a CPU to work on, few
#: enough that sequences of very different lengths seldom meet.
_GROUP_POSITIONS = 1024


#: What the kernel for variable lengths takes: it changed between torch 2.11 and 2.13. A scale that it does not
#: take is the one it has by itself, that of the head's size.
_KERNEL_OPTIONS = frozenset(inspect.signature(varlen_attn).parameters)


class Group(NamedTuple):
    """Sequences that one call computes: tokens ``start`` to ``stop``, padded to ``rows`` of ``width``.

    ``inside`` (bool [rows, width]) says which positions are tokens; None where all are.
    """

    start: int
    stop: int
    rows: int
    width: int
    inside: torch.Tensor | None


class Groups:
    """All groups of a batch.

    They differ from batch to batch. torch.compile, which looks into lists and tuples and compiles anew for
    others, does not look into an object that only functions kept from it use.
    """

    def __init__(self, groups: list[Group]) -> None:
        self.groups = groups


class Packing(NamedTuple):
    """Where the sequences of a batch begin and end, in the form that the device's attention wants.

    ``cu_seqlens`` is int32 [B + 1]; ``groups`` is None where the kernel for variable lengths takes it as it is.
    """

    cu_seqlens: torch.Tensor
    max_seqlen: int
    groups: Groups | None


def packing(cu_seqlens: torch.Tensor, max_seqlen: int, *, kernel: bool) -> Packing:
    """Return how to compute attention over sequences end to end.

    ``kernel`` chooses torch's kernel for variable lengths, which exists on GPUs for 16-bit numbers and knows no
    dropout; otherwise sequences go through ``scaled_dot_product_attention`` in padded groups: small ones on a
    CPU, all at once on a GPU.
    """
    most = _GROUP_POSITIONS if cu_seqlens.device.type == "cpu" else None
    return Packing(cu_seqlens, max_seqlen, None if kernel else _groups(cu_seqlens, most))


@torch.compiler.disable
def _groups(cu_seqlens: torch.Tensor, most: int | None) -> Groups:
    ends, device = cu_seqlens.tolist(), cu_seqlens.device
    lengths = [stop - start for start, stop in itertools.pairwise(ends)]
    groups, first = [], 0
    while first < len(lengths):
        width, last = lengths[first], first + 1
        while last < len(lengths):
            wider = max(width, lengths[last])
            if most is not None and wider * (last + 1 - first) > most:
                break
            width, last = wider, last + 1
        own = lengths[first:last]
        if width:
            even = min(own) == width
            inside = None if even else torch.arange(width) < torch.tensor(own)[:, None]
            groups.append(
                Group(
                    *(ends[first], ends[last], len(own), width),
                    None if inside is None else inside.to(device),
                )
            )
        first = last
    return Groups(groups)


def _packed_attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    packing: Packing | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Return attention (float [1, T, heads, D]) of queries, keys and values (float [1, heads, T, D])."""
    assert packing is not None
    causal = bool(getattr(module, "is_causal", False))
    if packing.groups is None:
        parts = [part[0].transpose(0, 1) for part in (query, key, value)]
        return _kernel(*parts, packing, scaling, causal).unsqueeze(0), None
    return _in_groups(query, key, value, packing.groups, dropout, scaling, causal), None


@torch.compiler.disable
def _in_groups(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    groups: Groups,
    dropout: float,
    scaling: float | None,
    causal: bool,
) -> torch.Tensor:
    """Compute attention group by group; shapes as in ``_packed_attention``."""
    outputs = []
    for group in groups.groups:
        parts = [
            _rectangle(part[0, :, group.start : group.stop], group) for part in (query, key, value)
        ]
        mask = None if group.inside is None else group.inside[:, None, None, :]
        if mask is not None and causal:
            mask = mask & torch.ones(group.width, group.width, device=mask.device).tril().bool()
        output = scaled_dot_product_attention(
            *parts,
            attn_mask=mask,
            dropout_p=dropout,
            is_causal=causal and mask is None,
            scale=scaling,
        ).transpose(1, 2)
        outputs.append(output.flatten(0, 1) if group.inside is None else output[group.inside])
    return torch.cat(outputs).unsqueeze(0)


def _rectangle(part: torch.Tensor, group: Group) -> torch.Tensor:
    """Return values of tokens end to end (float [heads, T, D]) as float [rows, heads, width, D]."""
    heads, _, size = part.shape
    if group.inside is None:
        return part.view(heads, group.rows, group.width, size).transpose(0, 1)
    full = part.new_zeros(group.rows, group.width, heads, size)
    full[group.inside] = part.transpose(0, 1)
    return full.transpose(1, 2)


def _kernel(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    packing: Packing,
    scaling: float | None,
    causal: bool,
) -> torch.Tensor:
    """Call torch's kernel for variable lengths."""
    options: dict[str, Any] = {"scale": scaling} if "scale" in _KERNEL_OPTIONS else {}
    if "window_size" in _KERNEL_OPTIONS:
        options["window_size"] = (-1, 0) if causal else (-1, -1)
    elif causal:
        options["is_causal"] = True
    ends, longest = packing.cu_seqlens, packing.max_seqlen
    return varlen_attn(query, key, value, ends, ends, longest, longest, **options)


AttentionInterface.register(PACKED, _packed_attention)
AttentionMaskInterface.register(PACKED, lambda *arguments, **options: None)
