"""BERT-base in bfloat16 on one GPU: malmoi's path beside transformers and DeepSpeed as one finds them.

    python benchmarks/training/gpu.py --output benchmarks/training/gpu.json

needs no workflow and no file but the repository's. Each way of training is a process of its own. ``--tiny``
goes through all of it with a tiny model, on a CPU too.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts"), str(ROOT / "tests")]

import deepspeed  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from made_instances import Maker, write_rows  # noqa: E402
from malmoi.instances.loader import InstanceStore, padded, step_indices  # noqa: E402
from malmoi.instances.shards import schema  # noqa: E402
from malmoi.training.engine import deepspeed_config, make_engine  # noqa: E402
from malmoi.training.feed import Feed  # noqa: E402
from malmoi.training.flops import peak_flops, step_flops  # noqa: E402
from malmoi.training.model import PretrainingModule, model_config, untrained  # noqa: E402
from malmoi.training.plan import Phase, Plan  # noqa: E402
from torch.utils.data import DataLoader, Dataset  # noqa: E402
from transformers import BertConfig, BertForPreTraining  # noqa: E402

#: Where the part ``gpu`` of the benchmark finds what a GPU machine measured.
RESULTS = Path(__file__).parent / "gpu.json"

#: Figures that are null until a GPU was had.
FIGURES = (
    "gpu_name",
    *(
        f"gpu_{name}_{length}"
        for length in (128, 512)
        for name in ("tokens_per_s", "mfu", "ratio_vs_naive")
    ),
    "gpu_data_wait",
)

#: The ways: malmoi's path, as it is and compiled; transformers with its attention over padding, SDPA or eager.
OURS, NAIVE = ("ours", "ours_compiled"), ("naive", "naive_eager")

#: Share of full sequences by length; others are of any length. Gives the fill that real documents have (0.88
#: at 128, 0.81 at 512; benchmarks/instances).
FULL_SHARE = {128: 0.75, 512: 0.6}

#: Steps of a profile, and lines of its table.
PROFILED, ROWS = 3, 30

SEED = 20


@dataclass(frozen=True)
class Size:
    """What is trained: ``positions`` fill a micro-batch of ours, ``naive_positions`` one with padding."""

    model: str = "base"
    vocabulary: int = 32000
    lengths: tuple[int, ...] = (128, 512)
    positions: int = 73728
    naive_positions: int = 32768
    steps: int = 30
    warmup: int = 8
    workers: int = 4


TINY = Size("tiny", 1000, (32, 64), 1024, 512, steps=3, warmup=1, workers=1)


def measure(data: Path, work: Path) -> dict[str, Any]:
    """Return the figures of a GPU: measured now where there is one, else from ``gpu.json``, else null."""
    if torch.cuda.is_available():
        run(Size(), RESULTS)
    nothing = dict.fromkeys(FIGURES)
    return {**nothing, **json.loads(RESULTS.read_text())} if RESULTS.is_file() else nothing


def run(size: Size, output: Path) -> dict[str, Any]:
    """Measure every way at every length, write the figures to a file and the profiles beside it."""
    values: dict[str, Any] = {
        "gpu_name": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        "gpu_versions": f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"deepspeed {deepspeed.__version__}, transformers {transformers.__version__}",
    }
    with tempfile.TemporaryDirectory() as name:
        for length in size.lengths:
            path = Path(name) / f"{length}.json"
            _plan(size, length, Path(name)).save(path)
            found = {}
            for way in (*NAIVE, *OURS):
                found[way] = _alone(way, size, path, output.with_name(f"gpu_{way}_{length}.txt"))
                print(length, way, json.dumps(found[way]), flush=True)
                for figure, value in found[way].items():
                    values[f"gpu_{way}_{figure}_{length}"] = value
            best = max(OURS, key=lambda way: found[way]["tokens_per_s"])
            ours, naive = found[best], max(found[way]["tokens_per_s"] for way in NAIVE)
            values[f"gpu_best_{length}"] = best
            values[f"gpu_tokens_per_s_{length}"] = ours["tokens_per_s"]
            values[f"gpu_mfu_{length}"] = ours["mfu"]
            values[f"gpu_ratio_vs_naive_{length}"] = ours["tokens_per_s"] / naive
            values["gpu_data_wait"] = max(values.get("gpu_data_wait", 0.0), ours["data_wait"])
            output.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    return values


def _alone(way: str, size: Size, plan: Path, profile: Path) -> dict[str, Any]:
    """Return what a process of its own measures of a way."""
    command = [sys.executable, __file__, "--way", way, "--plan", str(plan)]
    command += ["--size", json.dumps(asdict(size)), "--profile", str(profile)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "TOKENIZERS_PARALLELISM": "false"}
    # This Python's ninja: another one's build log would have DeepSpeed's extension built anew each time.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    if not torch.cuda.is_available():
        environment["DS_ACCELERATOR"] = "cpu"
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def _plan(size: Size, length: int, folder: Path) -> Plan:
    """Write made instances and return the plan of training on them; a step fills ``positions`` nearly."""
    maker = Maker(folder / f"l{length}", size.vocabulary, SEED, most=length - 3)
    lengths = _lengths(length, 4 * size.positions * 8 // length)
    rows = [_row(maker, int(each)) for each in lengths]
    columns = schema(size.vocabulary, "static", maker.settings("static", phase=f"l{length}"))
    path = write_rows(folder / f"l{length}" / "train.arrow", rows, columns, 1024)
    # A step that is a little too long for one micro-batch would need two, both half empty.
    mean, spread = lengths.mean(), lengths.std()
    batch = int(size.positions / mean)
    batch -= int(np.ceil(4 * spread * batch**0.5 / mean))
    return Plan(
        fingerprint="",
        parts={},
        seed=SEED,
        phases=[
            Phase(
                name=f"l{length}",
                train=[str(path)],
                held_out=str(path),
                max_seq_length=length,
                instances=len(rows),
                steps=size.warmup + size.steps + PROFILED,
                batch_size=batch,
                micro_batch_size=size.positions // length,
            )
        ],
        settings={
            "model": size.model,
            "objective": "mlm+nsp",
            "max_position_embeddings": max(size.lengths),
            # Torch's kernel for variable lengths has no dropout; the other ways go without it too.
            "attention_dropout": 0.0,
            **{"optimizer": "adamw", "learning_rate": 1e-4, "weight_decay": 0.01},
            **{"betas": [0.9, 0.999], "epsilon": 1e-6, "gradient_clipping": 1.0},
            **{"precision": "bf16", "z_loss": 0.0},
            "runtime": {
                **{"zero_stage": 1, "offload_optimizer": False, "compile": False},
                "loader_workers": size.workers,
            },
        },
        vocabulary_size=size.vocabulary,
        tokenizer=str(folder / f"l{length}"),
        **{
            "init": None,
            "checkpoints": "",
            "model_output": "",
            "log_output": "",
            "message_log": "",
        },
    )


def _lengths(longest: int, count: int) -> np.ndarray:
    draw = np.random.default_rng(SEED)
    others = draw.integers(8, longest + 1, count)
    return np.where(draw.random(count) < FULL_SHARE.get(longest, 0.7), longest, others)


def _row(maker: Maker, length: int) -> dict[str, Any]:
    """Return an instance of random pieces, 15 % of them to predict."""
    draw = maker.random
    ids = draw.integers(5, maker.size, length)
    first = length // 2
    inner = np.delete(np.arange(length), [0, first, length - 1])
    positions = np.sort(draw.choice(inner, max(1, round(0.15 * length)), replace=False))
    return {
        "input_ids": ids.tolist(),
        "token_type_ids": [0] * (first + 1) + [1] * (length - first - 1),
        "next_sentence_label": int(draw.integers(2)),
        **{"doc_ids": ["a", "b"], "segment_starts": [0, 1]},
        "mlm_positions": positions.tolist(),
        "mlm_labels": draw.integers(5, maker.size, len(positions)).tolist(),
    }


class _Padded(Dataset):
    """Micro-batches of the naive way, padded to the phase's length, by number."""

    def __init__(self, plan: Plan, positions: int) -> None:
        (self._phase,) = plan.phases
        self._plan, self._rows = plan, positions // self._phase.max_seq_length
        self._store = InstanceStore(self._phase.train)
        self.per_step = -(-self._phase.batch_size // self._rows)

    def __len__(self) -> int:
        return self._phase.steps * self.per_step

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        phase, (step, part) = self._phase, divmod(number, self.per_step)
        indices = step_indices(
            len(self._store), step, phase.batch_size, self._plan.seed, phase.name
        )
        rows = self._store.rows(indices[part * self._rows : (part + 1) * self._rows])
        width = phase.max_seq_length
        arrays = padded(rows, multiple=width, limit=width)
        return {name: torch.from_numpy(value).long() for name, value in arrays.items()}


def _naive(plan: Plan, size: Size, attention: str) -> Callable[[], tuple[float, int]]:
    """Return what does a step of transformers and DeepSpeed, and returns its wait and FLOPs (0)."""
    config = _config(plan)
    config._attn_implementation = attention
    model = BertForPreTraining(config)
    data = _Padded(plan, size.naive_positions)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=torch.cuda.is_available())
    engine, *_ = deepspeed.initialize(
        model=model,
        optimizer=optimizer,
        config={
            "train_micro_batch_size_per_gpu": size.naive_positions // plan.phases[0].max_seq_length,
            "gradient_accumulation_steps": data.per_step,
            **{"gradient_clipping": 1.0, "bf16": {"enabled": True}},
            **{"zero_optimization": {"stage": 1}, "steps_per_print": 2**60},
        },
    )
    engine.train()
    loader = DataLoader(
        data,
        batch_size=None,
        shuffle=False,
        num_workers=size.workers,
        pin_memory=engine.device.type == "cuda",
        multiprocessing_context="fork",
    )
    batches = iter(loader)

    def step() -> tuple[float, int]:
        waited = 0.0
        for _ in range(data.per_step):
            started = time.perf_counter()
            batch = next(batches)
            waited += time.perf_counter() - started
            batch = {
                name: value.to(engine.device, non_blocking=True) for name, value in batch.items()
            }
            engine.backward(engine(**batch).loss)
            engine.step()
        return waited, 0

    return step


def _config(plan: Plan) -> BertConfig:
    settings = plan.settings
    return model_config(
        plan.vocabulary_size,
        settings["model"],
        settings["max_position_embeddings"],
        settings["objective"],
        settings["attention_dropout"],
    )


def _ours(plan: Plan, compiled: bool) -> Callable[[], tuple[float, int]]:
    """Return what does a step as ``malmoi.training.loop`` does, and returns its wait and FLOPs."""
    runtime = {**plan.settings["runtime"], "compile": compiled}
    plan = Plan(**{**plan.__dict__, "settings": {**plan.settings, "runtime": runtime}})
    config = _config(plan)
    module = PretrainingModule(untrained(config, SEED))
    engine = make_engine(
        module,
        plan.settings,
        deepspeed_config(plan.settings, plan.phases[0].micro_batch_size, 1),
    )
    engine.train()
    feed = Feed(plan, 0, 1, 0, engine.device)

    def step() -> tuple[float, int]:
        started = time.perf_counter()
        data = next(feed)
        waited = time.perf_counter() - started
        for number, batch in enumerate(data.micro_batches(engine.device)):
            engine.set_gradient_accumulation_boundary(number + 1 == len(data.shapes))
            outputs = engine(batch)
            loss = outputs.mlm_loss / max(1, data.masked) + outputs.nsp_loss / max(1, data.pairs)
            engine.backward(loss)
        engine.step()
        return waited, step_flops(
            config,
            tokens=data.tokens,
            squared_lengths=data.squared_lengths,
            masked=data.masked,
            sequences=data.pairs,
        )

    return step


def _tokens(plan: Plan, steps: Iterator[int]) -> int:
    """Return the tokens of some steps, padding not counted."""
    (phase,) = plan.phases
    store = InstanceStore(phase.train)
    return sum(
        int(
            store.lengths(
                step_indices(len(store), step, phase.batch_size, plan.seed, phase.name)
            ).sum()
        )
        for step in steps
    )


def time_way(way: str, size: Size, plan: Plan, profile: Path) -> dict[str, Any]:
    """Return the figures of one way of training; writes where a step's time goes to ``profile``."""
    cuda = torch.cuda.is_available()
    settle = torch.cuda.synchronize if cuda else gc.collect
    started = time.perf_counter()
    if way in OURS:
        step = _ours(plan, compiled=way == "ours_compiled")
    else:
        step = _naive(plan, size, "sdpa" if way == "naive" else "eager")
    for _ in range(size.warmup):
        step()
    settle()
    warm = time.perf_counter() - started
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    started = time.perf_counter()
    done = [step() for _ in range(size.steps)]
    settle()
    seconds = time.perf_counter() - started
    memory = torch.cuda.max_memory_allocated() / 1e9 if cuda else None
    _profile(step, profile)
    tokens = _tokens(plan, iter(range(size.warmup, size.warmup + size.steps)))
    peak = peak_flops(torch.cuda.get_device_name(), "bf16") if cuda else None
    flops = sum(one[1] for one in done)
    return {
        "tokens_per_s": tokens / seconds,
        "tokens_per_step": tokens / size.steps,
        "data_wait": sum(one[0] for one in done) / seconds,
        "mfu": flops / seconds / peak if peak and flops else None,
        "gpu_memory_gb": memory,
        "warmup_seconds": warm,
    }


def _profile(step: Callable[[], Any], path: Path) -> None:
    """Write the kernels that some steps spend most time in."""
    kinds = [torch.profiler.ProfilerActivity.CPU]
    if torch.cuda.is_available():
        kinds.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=kinds) as profiler:
        for _ in range(PROFILED):
            step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
    order = "self_cuda_time_total" if torch.cuda.is_available() else "self_cpu_time_total"
    found = profiler.key_averages().table(sort_by=order, row_limit=ROWS, max_name_column_width=70)
    path.write_text(found, encoding="utf-8")


def _one_rank() -> None:
    """Make this process the only rank; on a GPU, with TF32 for what is left in float32."""
    values: Mapping[str, str] = {
        **{"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"},
        **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29551"},
    }
    for name, value in values.items():
        os.environ.setdefault(name, value)
    deepspeed.init_distributed(verbose=False)


def main() -> None:
    """Measure everything, or, as a process of its own, one way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--tiny", action="store_true")
    for name in ("--way", "--plan", "--size", "--profile"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way is None:
        if not given.tiny and not torch.cuda.is_available():
            sys.exit("no GPU here: try the script with --tiny --output FILE")
        if given.tiny and given.output == RESULTS:
            sys.exit("--tiny is no measurement: give another file as --output")
        run(TINY if given.tiny else Size(), given.output)
        return
    _one_rank()
    size = json.loads(given.size)
    found = time_way(
        given.way,
        Size(**{**size, "lengths": tuple(size["lengths"])}),
        Plan.load(given.plan),
        Path(given.profile),
    )
    print(json.dumps(found), flush=True)
    os._exit(0)  # neither the loader's workers nor DeepSpeed's shutdown are of interest


if __name__ == "__main__":
    main()
