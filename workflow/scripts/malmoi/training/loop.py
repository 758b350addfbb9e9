"""The training loop: one global step after the other, on every rank, from the newest checkpoint on."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
import warnings
from pathlib import Path
from types import FrameType

import deepspeed
import torch
from safetensors import SafetensorError
from torch import distributed
from tqdm import tqdm
from transformers import BertConfig

from malmoi import sampling
from malmoi.atomic import sync, write_json
from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.training import checkpoint
from malmoi.training.curves import Log, summary, write_log
from malmoi.training.engine import deepspeed_config, make_engine
from malmoi.training.export import export_model
from malmoi.training.feed import Feed, Step
from malmoi.training.flops import peak_flops, step_flops
from malmoi.training.held_out import held_out_sums
from malmoi.training.initial import initial_weights
from malmoi.training.measures import SUMS, Window, batch_sums, means
from malmoi.training.model import PretrainingModule, model_config, untrained
from malmoi.training.plan import Phase, Plan
from malmoi.training.schedule import learning_rate
from malmoi.training.state import RunState
from malmoi.training.watch import Watch

#: Exit status when a run saved its state because it was asked to stop (EX_TEMPFAIL): run it again.
STOPPED = 75

#: Bytes of a parameter in a checkpoint: the weight and AdamW's two moments, all float32.
_SAVED_BYTES = 12

#: Bytes of room for what comes with the weights: names, the manifest, some lines of the log.
_BESIDE_BYTES = 2**20

#: Seconds between two drawings of the curves of a run that goes on.
_DRAW_SECONDS = 60


class Trainer:
    """One rank's part of a run."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        settings, runtime = plan.settings, plan.settings["runtime"]
        self.deadline = time.monotonic() + 3600 * (runtime["max_hours"] or float("inf"))
        deepspeed.init_distributed(verbose=False)
        self.rank, self.ranks = distributed.get_rank(), distributed.get_world_size()
        if self.ranks != runtime["ranks"]:
            raise InputError(
                f"pretrain.runtime.ranks is {runtime['ranks']} but {self.ranks} processes were started"
            )
        # What ranks tell each other goes past the GPUs, which would have to finish their work first.
        self.talk = (
            distributed.new_group(backend="gloo")
            if distributed.get_backend() != "gloo"
            else distributed.group.WORLD
        )
        self.root = Path(plan.checkpoints)
        self.lock = checkpoint.hold(self.root) if self.rank == 0 else None
        self.config = model_config(
            plan.vocabulary_size,
            settings["model"],
            settings["max_position_embeddings"],
            settings["objective"],
            settings["attention_dropout"],
        )
        model = untrained(self.config, plan.seed, settings["objective"])
        if plan.init:
            vocabulary = Path(plan.tokenizer) / "vocab.txt"
            given = initial_weights(plan.init, self.config, vocabulary, plan.seed)
            model.load_state_dict({name: given[name] for name in model.state_dict()})
        module = PretrainingModule(model)
        weights = {name: value.detach().clone() for name, value in module.named_parameters()}
        self.parameters = sum(value.numel() for value in weights.values())
        self.deepspeed_config = deepspeed_config(
            settings, plan.phases[0].micro_batch_size, self.ranks
        )
        self.engine = make_engine(module, settings, self.deepspeed_config)
        self.device = self.engine.device
        self.state = RunState(self.engine)
        self.window = Window(self._peak())
        self.watch = Watch(settings["bad_steps"])
        #: Steps that went wrong before and are left out.
        self.skipped: set[int] = set()
        #: Versions of malmoi's code that did the steps so far, in order.
        self.codes: list[str] = [plan.parts["code"]]
        #: Norm of the gradient of the last step done.
        self.norm = torch.tensor(0.0)
        self.log: Log | None = None
        self.drawn = time.monotonic()
        self.step = 0
        if not self._resume():
            self.state.begin(weights)
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, self._ask_to_stop)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _peak(self) -> float | None:
        """Return the most FLOP/s of all ranks' devices together, None where unknown."""
        given = self.plan.settings["runtime"]["peak_tflops"]
        if not isinstance(self.config, BertConfig):
            return None  # only BERT's arithmetic is counted
        if given is not None:
            return given * 1e12 * self.ranks
        if self.device.type != "cuda":
            return None
        name = torch.cuda.get_device_name(self.device)
        peak = peak_flops(name, self.plan.settings["precision"])
        return None if peak is None else peak * self.ranks

    def _resume(self) -> bool:
        """Load the newest whole checkpoint and return whether there is one."""
        # Rank 0 decides for all, so that a file only one of them cannot read does not part them.
        decided = [checkpoint.newest(self.root) if self.rank == 0 else None]
        distributed.broadcast_object_list(decided, group=self.talk)
        found = decided[0]
        if found is None:
            return False
        self.state.load(self.root / found["name"], found["optimizer_steps"])
        self.window.restore(found["window"], self.rank, self.ranks, self.device)
        self.watch.forget(found["recent"])
        self.skipped |= set(found["skipped"])
        self.norm = torch.tensor(found["norm"])
        code = self.plan.parts["code"]
        self.codes = [*found["codes"], *([] if found["codes"][-1] == code else [code])]
        self.step = int(found["step"])
        if self.rank == 0:
            LOG.info("resuming after step %d of %d", self.step, self.plan.total_steps)
            before = {"ranks": found["ranks"], "zero_stage": found["zero_stage"]}
            now = self._layout()
            if before != now:
                LOG.info("the checkpoint is of %s, this run has %s", before, now)
        return True

    def _layout(self) -> dict[str, int]:
        return {
            "ranks": self.ranks,
            "zero_stage": self.plan.settings["runtime"]["zero_stage"],
        }

    def save(self) -> None:
        """Write a checkpoint of the steps done; it exists once every rank's part is on disk.

        Raises:
            InputError: the disk has no room for it.
        """
        refusal: list[str | None] = [None]
        if self.rank == 0:
            self.root.mkdir(parents=True, exist_ok=True)
            checkpoint.drop_partial(self.root)
            try:
                needed = self.parameters * _SAVED_BYTES + _BESIDE_BYTES
                checkpoint.check_space(self.root, needed)
            except InputError as error:
                refusal = [str(error)]
        distributed.broadcast_object_list(refusal, group=self.talk)
        if refusal[0] is not None:
            raise InputError(refusal[0])
        folder = self.root / checkpoint.partial_name(self.step)
        folder.mkdir(exist_ok=True)
        try:
            # Other ranks have temporary files in the folder, so each rank syncs its own file alone.
            sync(self.state.save(folder))
        except (OSError, SafetensorError) as error:
            raise InputError(
                f"{folder} cannot be written: {error}; what was saved before is whole. Make room and run "
                "the same command"
            ) from error
        window = self.window.state(self.rank, self.ranks, self._sum)
        distributed.barrier(group=self.talk)
        if self.rank == 0:
            runtime = self.plan.settings["runtime"]
            facts = {
                **self._layout(),
                "fingerprint": self.plan.fingerprint,
                "optimizer_steps": self.step - sum(step < self.step for step in self.skipped),
                "skipped": sorted(self.skipped),
                "codes": self.codes,
                "recent": self.watch.recent,
                "norm": float(self.norm),
                "window": window,
            }
            checkpoint.publish(
                self.root,
                self.step,
                facts,
                runtime["keep_checkpoints"],
                runtime["keep_checkpoints_every"],
            )
            waited = time.monotonic() - self.drawn > _DRAW_SECONDS
            if waited and self.log is not None and not self.log.table("train").empty:
                write_log(self.log, self.root / "curves")
                self.drawn = time.monotonic()
        distributed.barrier(group=self.talk)

    def run(self) -> None:
        """Train from the newest checkpoint to the end and write the model, its log and its curves.

        Asked to stop by SIGTERM or SIGUSR1, or after ``max_hours``, saves and exits with status 75.
        """
        stopped = False
        while not stopped:
            self.log = Log(self.root / "log.jsonl", self.step) if self.rank == 0 else None
            if self.step == 0:
                # A disk without room, or a network without a way, shows here and not after hours.
                self.save()
                self._held_out(self.plan.phases[0])
                self.window.restart_clock()
            if self.step == self.plan.total_steps:
                break
            feed = Feed(self.plan, self.rank, self.ranks, self.step, self.device)
            with contextlib.closing(feed):
                stopped = self._train(feed)
            if self.watch.bad:
                self._go_back(*self.watch.bad)
            else:
                self.save()
        if stopped:
            if self.rank == 0:
                LOG.warning("asked to stop: saved after step %d; run again to go on", self.step)
            leave(STOPPED)
        if self.rank == 0:
            self._finish()
        distributed.barrier(group=self.talk)

    def _train(self, feed: Feed) -> bool:
        """Do the steps that are left; return whether the run was asked to stop before the last.

        A step that went wrong ends it too; the watch tells which.
        """
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
                logs = self.step % runtime["log_every"] == 0 or last_of_phase
                measures = self.step % runtime["held_out_every"] == 0 or last_of_phase
                saves = self.step % runtime["checkpoint_every"] == 0
                if logs or measures or saves or stop:
                    self.watch.judge()
                if self.watch.bad:
                    return False
                if logs:
                    self._report(phase)
                if measures:
                    self._held_out(phase)
                if stop:
                    return True
                if saves and self.step < total:
                    self.save()
        return False

    def _train_step(self, feed: Feed) -> bool:
        """Do one global step and return whether any rank was asked to stop."""
        settings = self.plan.settings
        started = time.perf_counter()
        data = next(feed)
        waited = time.perf_counter() - started
        stopping = self.stopping or time.monotonic() > self.deadline
        counts = [data.masked, data.tokens, data.squared_lengths, data.pairs, int(stopping)]
        masked, tokens, squared_lengths, pairs, stop = map(int, self._agree(counts))
        if self.step in self.skipped:
            return bool(stop)
        rate = learning_rate(self.step, self.plan.total_steps, settings)
        for group in self.engine.optimizer.param_groups:
            group["lr"] = rate
        sums = self._gradients(data, masked, pairs)
        norm = self._step_optimizer()
        self._watch(sums, norm)
        flops = 0
        if isinstance(self.config, BertConfig):
            flops = step_flops(
                self.config,
                tokens=tokens,
                squared_lengths=squared_lengths,
                masked=masked,
                sequences=pairs,
            )
        self.window.add(sums, tokens=tokens, flops=flops, rate=rate, waited=waited)
        return bool(stop)

    def _gradients(self, data: Step, masked: int, pairs: int) -> torch.Tensor:
        """Accumulate the gradient of a step and return this rank's sums (float64 [6]).

        Losses are means over the global batch, however it is cut into ranks and micro-batches.
        """
        plan = self.plan
        self.engine.train()
        sums = torch.zeros(SUMS, dtype=torch.float64, device=self.device)
        for number, batch in enumerate(data.micro_batches(self.device)):
            torch.manual_seed(sampling.key(plan.seed, "dropout", self.step, self.rank, number) >> 1)
            self.engine.set_gradient_accumulation_boundary(number + 1 == len(data.shapes))
            outputs = self.engine(batch)
            loss = outputs.mlm_loss / max(1, masked) + outputs.nsp_loss / max(1, pairs)
            if plan.settings["z_loss"]:
                loss = loss + plan.settings["z_loss"] * outputs.z_loss / max(1, masked)
            self.engine.backward(loss * self.ranks)
            sums += batch_sums(outputs)
        return sums

    def _step_optimizer(self) -> float | torch.Tensor:
        """Let the optimizer step and return the norm of the gradient before it was clipped."""
        parameters = self.engine.module.parameters()
        own = None
        if self.engine.optimizer is self.engine.basic_optimizer:
            # Stage 0 in float32 is torch's optimizer alone, which knows no norm.
            own = torch.nn.utils.get_total_norm(
                [value.grad for value in parameters if value.grad is not None]
            )
        self.engine.step()
        return own if own is not None else self.engine.get_global_grad_norm()

    def _watch(self, sums: torch.Tensor, norm: float | torch.Tensor) -> None:
        """Hand the step's loss over all ranks and the norm of its gradient to the watch."""
        shared = sums.clone()
        distributed.all_reduce(shared)
        loss = shared[0] / shared[1].clamp(min=1) + shared[3] / shared[4].clamp(min=1)
        norm = torch.as_tensor(norm, dtype=torch.float64, device=self.device)
        self.norm = norm
        self.watch.submit(self.step, torch.stack([loss, norm]))

    def _go_back(self, step: int, what: str) -> None:
        """Load the newest checkpoint and leave a bad step out from now on.

        Raises:
            InputError: the settings say to stop, or too many steps were bad.
        """
        settings = self.plan.settings["bad_steps"]
        names = checkpoint.complete_names(self.root)
        last = f"the last good checkpoint is {self.root / names[-1]}"
        self.skipped.add(step)
        if settings["action"] == "stop":
            raise InputError(
                f"step {step + 1} went wrong: {what}; {last}. Set pretrain.bad_steps.action to skip to go on "
                "from there without this step's batch, or lower pretrain.learning_rate and begin anew"
            )
        if len(self.skipped) > settings["most"]:
            raise InputError(
                f"step {step + 1} went wrong: {what}; {settings['most']} steps were left out before, the most "
                f"that pretrain.bad_steps.most allows; {last}. Raise it to go on from there, or lower "
                "pretrain.learning_rate and begin anew"
            )
        if self.rank == 0:
            LOG.warning("step %d went wrong: %s; going back to leave it out", step + 1, what)
        if not self._resume():
            raise RuntimeError(f"no checkpoint in {self.root} can be read any more")

    def _report(self, phase: Phase) -> None:
        """Write a line of what happened since the last one."""
        steps, total = self.window.steps, self.plan.total_steps
        if not steps:
            return  # all were left out
        row = self.window.close(self._sum, self.norm)
        if self.log is None:
            return
        row = {"step": self.step, "phase": phase.name, **row}
        self.log.add("train", row)
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

    def _held_out(self, phase: Phase) -> None:
        """Measure losses and accuracies on validation instances; every rank takes a part."""
        sums = held_out_sums(self.engine, self.plan, phase, self.rank, self.ranks)
        if sums is None:
            return
        values = self._sum(sums.tolist())
        if self.log is not None:
            row = {"step": self.step, "phase": phase.name, **means(values)}
            self.log.add("held_out", row)
            LOG.info(
                "step %d, held out: MLM loss %.3f accuracy %.3f, NSP accuracy %.3f",
                *(row[name] for name in ("step", "mlm_loss", "mlm_accuracy", "nsp_accuracy")),
            )

    def _finish(self) -> None:
        """Write the model, the tables and pictures of its training, and what is known of it."""
        assert self.log is not None
        plan, folder = self.plan, Path(self.plan.log_output)
        found = checkpoint.newest(self.root)
        if found is None or found["step"] != plan.total_steps:
            raise RuntimeError(
                f"the last checkpoint in {self.root} was damaged after it was written"
            )
        export_model(plan, self.root / found["name"])
        write_log(self.log, folder)
        write_json(folder / "deepspeed.json", self.deepspeed_config)
        on_gpu = self.device.type == "cuda"
        run = {
            "fingerprint": plan.fingerprint,
            "codes": self.codes,
            "parameters": self.parameters,
            "steps": plan.total_steps,
            "skipped_steps": sorted(step + 1 for step in self.skipped),
            **self._layout(),
            "device": torch.cuda.get_device_name(self.device) if on_gpu else "CPU",
            "precision": plan.settings["precision"],
        }
        write_json(folder / "summary.json", {**run, **summary(self.log)})

    def _agree(self, values: list[int]) -> list[float]:
        """Add up numbers over all ranks without the devices."""
        tensor = torch.tensor(values, dtype=torch.float64)
        distributed.all_reduce(tensor, group=self.talk)
        return tensor.tolist()

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
