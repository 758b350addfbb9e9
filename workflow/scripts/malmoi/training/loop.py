"""The training loop: one global step after the other, on every rank, from the newest checkpoint on."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import time
import warnings
from pathlib import Path
from types import FrameType

import deepspeed
import numpy as np
import torch
from torch import distributed
from tqdm import tqdm

from malmoi import sampling
from malmoi.atomic import sync_folder, write_json
from malmoi.errors import InputError
from malmoi.instances.loader import InstanceStore, padded, step_indices
from malmoi.progress import LOG
from malmoi.training import checkpoint
from malmoi.training.curves import Log, write_log
from malmoi.training.export import export_model
from malmoi.training.feed import Feed
from malmoi.training.measures import Window, batch_sums, means
from malmoi.training.model import PretrainingModule, bert_config, parameter_groups, untrained
from malmoi.training.plan import Phase, Plan
from malmoi.training.schedule import learning_rate

#: Exit status when a run saved its state because it was asked to stop (EX_TEMPFAIL): run it again.
STOPPED = 75


def deepspeed_config(settings: dict, micro_batch_size: int, ranks: int) -> dict:
    """Return DeepSpeed's configuration; accumulation is done by the loop, so it says one step."""
    runtime = settings["runtime"]
    stage: dict = {"stage": runtime["zero_stage"]}
    if runtime["offload_optimizer"]:
        stage["offload_optimizer"] = {"device": "cpu"}
    return {
        "train_micro_batch_size_per_gpu": micro_batch_size,
        "gradient_accumulation_steps": 1,
        "train_batch_size": micro_batch_size * ranks,
        "gradient_clipping": settings["gradient_clipping"],
        "steps_per_print": 2**60,
        "bf16": {"enabled": settings["precision"] == "bf16"},
        "zero_optimization": stage,
        # The optimizer is torch's own, so that no extension has to be compiled for it.
        "zero_force_ds_cpu_optimizer": False,
    }


class Trainer:
    """One rank's part of a run."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        settings, runtime = plan.settings, plan.settings["runtime"]
        deepspeed.init_distributed(verbose=False)
        self.rank, self.ranks = distributed.get_rank(), distributed.get_world_size()
        if self.ranks != runtime["ranks"]:
            raise InputError(
                f"pretrain.runtime.ranks is {runtime['ranks']} but {self.ranks} processes were started"
            )
        self.root = Path(plan.checkpoints)
        self.lock = checkpoint.hold(self.root) if self.rank == 0 else None
        config = bert_config(
            plan.vocabulary_size, settings["model"], settings["max_position_embeddings"]
        )
        module = PretrainingModule(untrained(config, plan.seed))
        optimizer = torch.optim.AdamW(
            parameter_groups(module, settings["weight_decay"]),
            lr=settings["learning_rate"],
            betas=tuple(settings["betas"]),
            eps=settings["epsilon"],
        )
        self.deepspeed_config = deepspeed_config(
            settings, plan.phases[0].micro_batch_size, self.ranks
        )
        self.engine, *_ = deepspeed.initialize(
            model=module, optimizer=optimizer, config=self.deepspeed_config
        )
        self.device = self.engine.device
        self.parameters = sum(value.numel() for value in untrained(config, 0).parameters())
        self.window = Window()
        self.step = self._resume()
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, self._ask_to_stop)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _resume(self) -> int:
        """Load the newest whole checkpoint, if there is one, and return the steps done."""
        # Rank 0 decides for all, so that a file only one of them cannot read does not part them.
        decided = [checkpoint.newest(self.root) if self.rank == 0 else None]
        distributed.broadcast_object_list(decided, device=self.device)
        found = decided[0]
        if found is None:
            return 0
        stage = self.plan.settings["runtime"]["zero_stage"]
        if (found["ranks"], found["zero_stage"]) != (self.ranks, stage):
            raise InputError(
                f"checkpoint {self.root / found['name']} was made by {found['ranks']} ranks at ZeRO stage "
                f"{found['zero_stage']}, this run has {self.ranks} at stage {stage}: set "
                "pretrain.runtime back, or delete the folder to begin anew"
            )
        path, _ = self.engine.load_checkpoint(str(self.root), tag=found["name"])
        if path is None:
            raise RuntimeError(f"DeepSpeed loaded nothing from {self.root / found['name']}")
        self.window.restore(found["window"], self.rank, self.device)
        if self.rank == 0:
            LOG.info("resuming after step %d of %d", found["step"], self.plan.total_steps)
        return int(found["step"])

    def save(self) -> None:
        """Write a checkpoint of the steps done; it exists once every rank's part is on disk."""
        if self.rank == 0:
            self.root.mkdir(parents=True, exist_ok=True)
            checkpoint.drop_partial(self.root)
        distributed.barrier()
        tag = checkpoint.partial_name(self.step)
        self.engine.save_checkpoint(str(self.root), tag=tag, save_latest=False)
        sync_folder(self.root / tag)
        window = self.window.state(self.rank, self.ranks, self._sum)
        distributed.barrier()
        if self.rank == 0:
            runtime = self.plan.settings["runtime"]
            facts = {
                "ranks": self.ranks,
                "zero_stage": runtime["zero_stage"],
                "fingerprint": self.plan.fingerprint,
                "window": window,
            }
            checkpoint.publish(self.root, self.step, facts, runtime["keep_checkpoints"])
        distributed.barrier()

    def run(self) -> None:
        """Train from the newest checkpoint to the end and write the model, its log and its curves.

        Asked to stop by SIGTERM or SIGUSR1, saves and exits with status 75.
        """
        log = Log(self.root / "log.jsonl", self.step) if self.rank == 0 else None
        if self.step == 0:
            self._held_out(self.plan.phases[0], log)
            self.window.restart_clock()
        if self.step < self.plan.total_steps:
            feed = Feed(self.plan, self.rank, self.ranks, self.step, self.device)
            with contextlib.closing(feed):
                stopped = self._train(feed, log)
            self.save()
            if stopped:
                if self.rank == 0:
                    LOG.warning("asked to stop: saved after step %d; run again to go on", self.step)
                leave(STOPPED)
        if self.rank == 0:
            self._finish(log)
        distributed.barrier()

    def _train(self, feed: Feed, log: Log | None) -> bool:
        """Do the steps that are left; return whether the run was asked to stop before the last."""
        plan, runtime = self.plan, self.plan.settings["runtime"]
        total = plan.total_steps
        bar = tqdm(
            total=total,
            initial=self.step,
            desc="pretrain",
            unit=" steps",
            disable=self.rank != 0 or not sys.stderr.isatty(),
        )
        with bar:
            while self.step < total:
                phase, phase_step = plan.phase_at(self.step)
                stop = self._train_step(feed)
                self.step += 1
                bar.update()
                last_of_phase = phase_step + 1 == phase.steps
                if self.step % runtime["log_every"] == 0 or last_of_phase:
                    self._report(phase, log)
                if self.step % runtime["held_out_every"] == 0 or last_of_phase:
                    self._held_out(phase, log)
                if stop:
                    return True
                if self.step % runtime["checkpoint_every"] == 0 and self.step < total:
                    self.save()
        return False

    def _train_step(self, feed: Feed) -> bool:
        """Do one global step and return whether any rank was asked to stop."""
        plan, settings = self.plan, self.plan.settings
        started = time.perf_counter()
        data = next(feed)
        waited = time.perf_counter() - started
        # Losses are means over the global batch, however it is cut into ranks and micro-batches.
        shared = self._sum([data.masked, data.tokens, data.pairs, int(self.stopping)])
        rate = learning_rate(self.step, plan.total_steps, settings)
        for group in self.engine.optimizer.param_groups:
            group["lr"] = rate
        self.engine.train()
        sums = torch.zeros(6, dtype=torch.float64, device=self.device)
        for number, batch in enumerate(data.micro_batches(self.device)):
            torch.manual_seed(sampling.key(plan.seed, "dropout", self.step, self.rank, number) >> 1)
            self.engine.set_gradient_accumulation_boundary(number + 1 == len(data.shapes))
            outputs = self.engine(batch)
            loss = (
                outputs.mlm_loss * outputs.mlm_count / max(1.0, shared[0])
                + outputs.nsp_loss * outputs.nsp_count / max(1.0, shared[2])
            ) * self.ranks
            self.engine.backward(loss)
            sums += batch_sums(outputs)
        self.engine.step()
        self.window.add(sums, int(shared[1]), rate, waited)
        return bool(shared[3])

    def _report(self, phase: Phase, log: Log | None) -> None:
        """Write a line of what happened since the last one."""
        steps, total = self.window.steps, self.plan.total_steps
        row = self.window.close(self._sum)
        norm = self.engine.get_global_grad_norm()
        if log is None:
            return
        row = {"step": self.step, "phase": phase.name, **row}
        row["grad_norm"] = float(norm) if norm is not None else float("nan")
        log.add("train", row)
        LOG.info(
            "step %d of %d, %s: loss %.3f (MLM %.3f, NSP %.3f), NSP accuracy %.3f, "
            "learning rate %.2e, %.0f tokens/s, %.0f s left",
            self.step,
            total,
            phase.name,
            *(row[name] for name in ("loss", "mlm_loss", "nsp_loss", "nsp_accuracy")),
            *(row[name] for name in ("learning_rate", "tokens_per_second")),
            (total - self.step) * row["seconds"] / steps,
        )

    def _held_out(self, phase: Phase, log: Log | None) -> None:
        """Measure losses and accuracies on validation instances; every rank takes a part."""
        plan = self.plan
        store = InstanceStore([phase.held_out], Path(plan.tokenizer) / "vocab.txt")
        count = min(len(store), plan.settings["held_out_instances"])
        if count == 0:
            return
        indices = step_indices(len(store), 0, count, plan.seed, "held out")
        parts = np.array_split(indices, self.ranks)
        size = phase.micro_batch_size
        sums = torch.zeros(6, dtype=torch.float64, device=self.device)
        self.engine.eval()
        with torch.no_grad():
            # All ranks make the same number of forward passes: under ZeRO-3 each one is collective.
            for start in range(0, len(parts[0]), size):
                part = parts[self.rank][start : start + size]
                rows = store.rows(part if len(part) else indices[:1])
                batch = padded(rows, limit=plan.settings["max_position_embeddings"])
                outputs = self.engine(
                    {
                        name: torch.from_numpy(value).to(self.device).long()
                        for name, value in batch.items()
                    }
                )
                if len(part):
                    sums += batch_sums(outputs)
        values = self._sum(sums.tolist())
        if log is not None:
            row = {"step": self.step, "phase": phase.name, **means(values)}
            log.add("held_out", row)
            LOG.info(
                "step %d, held out: MLM loss %.3f accuracy %.3f, NSP accuracy %.3f",
                *(row[name] for name in ("step", "mlm_loss", "mlm_accuracy", "nsp_accuracy")),
            )

    def _finish(self, log: Log | None) -> None:
        assert log is not None
        plan, folder = self.plan, Path(self.plan.log_output)
        found = checkpoint.newest(self.root)
        if found is None or found["step"] != plan.total_steps:
            raise RuntimeError(
                f"the last checkpoint in {self.root} was damaged after it was written"
            )
        export_model(plan, self.root, found["name"])
        write_log(log, folder)
        write_json(folder / "deepspeed.json", self.deepspeed_config)
        train, held_out = log.table("train"), log.table("held_out")
        write_json(
            folder / "summary.json",
            {
                "fingerprint": plan.fingerprint,
                "parameters": self.parameters,
                "steps": plan.total_steps,
                "ranks": self.ranks,
                "device": torch.cuda.get_device_name(self.device)
                if self.device.type == "cuda"
                else "CPU",
                "zero_stage": plan.settings["runtime"]["zero_stage"],
                "precision": plan.settings["precision"],
                "tokens": int(train["tokens"].sum()),
                "seconds": round(float(train["seconds"].sum()), 1),
                "final_training": json.loads(train.iloc[-1].to_json()),
                "final_held_out": json.loads(held_out.iloc[-1].to_json())
                if len(held_out)
                else None,
            },
        )

    def _sum(self, values: list[float]) -> list[float]:
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(tensor)
        return tensor.tolist()


def leave(status: int) -> None:
    """End the process at once, after all ranks came here.

    DeepSpeed's stage 3 sometimes aborts while Python shuts down after a run that went well; leaving without
    the shutdown avoids it.
    """
    distributed.barrier()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def train(plan: Plan) -> None:
    """Run one rank of a plan to its end; the process ends here."""
    warnings.filterwarnings("ignore", category=FutureWarning)
    logging.getLogger("DeepSpeed").setLevel(logging.WARNING)
    Trainer(plan).run()
    leave(0)
