"""The state of a run as full float32 tensors by parameter name, whatever the ZeRO stage and the ranks.

DeepSpeed's own checkpoints hold the flat partitions of one stage and one number of ranks. Gathered into whole
tensors, the same state can be taken up by any other, and exported without a conversion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import deepspeed
import torch
from deepspeed.utils import (
    safe_get_full_fp32_param,
    safe_get_full_optimizer_state,
    safe_set_full_fp32_param,
    safe_set_full_optimizer_state,
    safe_set_local_fp32_param,
    safe_set_local_optimizer_state,
)
from safetensors import safe_open
from safetensors.torch import save_file
from torch import distributed, nn

from malmoi.training.optimizer import set_steps, state_keys

#: The part of a state that is the weights themselves, beside those of the optimizer.
WEIGHT = "weight"


class RunState:
    """Weights and optimizer state behind a DeepSpeed engine, by parameter name.

    A state is a mapping from ``"weight/NAME"``, ``"exp_avg/NAME"`` … to float32 tensors of the parameter's
    shape. Every rank must make the same calls in the same order: most are collective.
    """

    def __init__(self, engine: deepspeed.DeepSpeedEngine) -> None:
        self._engine = engine
        self._wrapper = engine.optimizer
        self._inner: torch.optim.Optimizer = getattr(self._wrapper, "optimizer", self._wrapper)
        self._stage: int = engine.zero_optimization_stage()
        self._keys = state_keys(self._inner)
        self._parameters = dict(engine.module.named_parameters())
        #: Under stage 0 in bfloat16, the float32 master of each parameter, which DeepSpeed keeps in a list.
        self._whole: dict[int, torch.Tensor] = {}
        if self._stage == 0 and self._wrapper is not self._inner:
            for low, high in zip(self._wrapper.fp16_groups, self._wrapper.fp32_groups, strict=True):
                self._whole |= {id(one): two for one, two in zip(low, high, strict=True)}

    def begin(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Set float32 weights by name and an optimizer that has done no step.

        DeepSpeed's masters begin as the weights rounded to bfloat16 and, under stage 0, with a step already
        taken; here they begin as the weights given.
        """
        self._clear(0)
        for name, parameter in self._parameters.items():
            self._set_weight(parameter, weights[name])

    def save(self, folder: Path) -> Path:
        """Write this rank's share of the whole parameters to a safetensors file of its own; return it."""
        rank, ranks = distributed.get_rank(), distributed.get_world_size()
        own = {}
        for number, (name, parameter) in enumerate(self._parameters.items()):
            for key in (WEIGHT, *self._keys):
                value = self._full(parameter, key)
                if number % ranks == rank:
                    own[f"{key}/{name}"] = value.detach().float().cpu().contiguous()
        path = folder / f"state-{rank:05d}.safetensors"
        save_file(own, path)
        return path

    def load(self, folder: Path, steps: int) -> None:
        """Set what ``save`` wrote, by these ranks or others, after ``steps`` optimizer steps."""
        self._clear(steps)
        for name, tensors in read_state(folder, list(self._parameters)):
            parameter = self._parameters[name]
            self._set_weight(parameter, tensors[WEIGHT])
            for key in self._keys:
                self._set_moment(parameter, key, tensors[key])

    def _masters(self) -> list[torch.Tensor]:
        """Return the tensors that the optimizer steps on this rank."""
        if self._stage == 3:
            return list(self._wrapper.fp32_partitioned_groups_flat)
        return [value for group in self._inner.param_groups for value in group["params"]]

    def _clear(self, steps: int) -> None:
        """Give every master a zero state, which optimizers else make in their first step."""
        for master in self._masters():
            self._inner.state[master] = {key: torch.zeros_like(master) for key in self._keys}
        set_steps(self._inner, self._masters(), steps)
        if self._stage in (1, 2):
            # Points the fragments of each parameter at the tensors just made.
            self._wrapper._hp_optimizer_states_linked = False
            self._wrapper._lazy_init_hp_params_optimizer_state()

    def _master(self, parameter: nn.Parameter) -> torch.Tensor:
        """Return the float32 tensor of a parameter that is not partitioned."""
        return self._whole.get(id(parameter), parameter)

    def _full(self, parameter: nn.Parameter, key: str) -> torch.Tensor:
        if self._stage == 0:
            master = self._master(parameter)
            return master if key == WEIGHT else self._inner.state[master][key]
        if key == WEIGHT:
            return safe_get_full_fp32_param(parameter)
        return safe_get_full_optimizer_state(parameter, key)

    def _set_weight(self, parameter: nn.Parameter, value: torch.Tensor) -> None:
        value = value.to(parameter.device)
        with torch.no_grad():
            if self._stage == 3:
                with deepspeed.zero.GatheredParameters([parameter], modifier_rank=0):
                    parameter.data.copy_(value)
                safe_set_local_fp32_param(parameter, _partition(parameter, value))
                return
            parameter.data.copy_(value)
            if self._stage == 0:
                self._master(parameter).data.copy_(value)
            else:
                safe_set_full_fp32_param(parameter, value)

    def _set_moment(self, parameter: nn.Parameter, key: str, value: torch.Tensor) -> None:
        value = value.to(parameter.device)
        if self._stage == 3:
            safe_set_local_optimizer_state(parameter, _partition(parameter, value), key)
        elif self._stage == 0:
            self._inner.state[self._master(parameter)][key].copy_(value)
        else:
            safe_set_full_optimizer_state(parameter, value, key)


def read_state(
    folder: Path, names: list[str] | None = None
) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """Yield the float32 tensors of each parameter in a saved state (by key), one parameter at a time.

    The order is that of ``names``, or of the alphabet.

    Raises:
        KeyError: a name is not in the state.
    """
    files = [safe_open(path, framework="pt") for path in sorted(folder.glob("state-*.safetensors"))]
    places: dict[str, list[tuple[str, safe_open]]] = {}
    for file in files:
        for entry in file.keys():  # noqa: SIM118 - no mapping, though it has this method
            key, name = entry.split("/", 1)
            places.setdefault(name, []).append((key, file))
    for name in sorted(places) if names is None else names:
        yield name, {key: file.get_tensor(f"{key}/{name}") for key, file in places[name]}


def _partition(parameter: nn.Parameter, value: torch.Tensor) -> torch.Tensor:
    """Return this rank's part of a value as ZeRO-3 cuts it: equal parts, the last one padded."""
    size = parameter.ds_tensor.numel()
    flat = value.flatten()
    short = size * distributed.get_world_size() - flat.numel()
    return nn.functional.pad(flat, (0, short)).narrow(0, size * distributed.get_rank(), size)
