"""The same fine-tuning by malmoi and by transformers' own Trainer, on texts made for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from malmoi.evaluation.finetuning import fine_tune, tokenizer_of
from malmoi.evaluation.tasks import Part, Task
from malmoi.evaluation.texts import Classification
from sklearn.metrics import accuracy_score
from transformers import (
    BertForSequenceClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

EPOCHS, BATCH, RATE, LENGTH = 8, 16, 3e-3, 32
SIZES = {"train": 320, "validation": 400}


def made_parts() -> dict[str, Part]:
    """Return texts for train and validation; those of validation are test, too."""
    parts = {split: _part(size, at) for at, (split, size) in enumerate(SIZES.items())}
    return parts | {"test": parts["validation"]}


def malmoi_accuracy(model_dir: Path, parts: dict[str, Part], seed: int) -> float:
    """Return the accuracy on validation of the epoch that it chooses, by malmoi."""
    kind = Classification(Task("made", "classification", ["가", "바"], parts, {}, 0, 0))
    tokenizer = tokenizer_of(model_dir)
    encoded = {split: kind.encode(tokenizer, of, LENGTH) for split, of in parts.items()}
    settings = {"learning_rate": RATE, "epochs": EPOCHS, "batch_size": BATCH}
    run = fine_tune(model_dir, kind, encoded, parts, pretrained=True, seed=seed, **settings)
    return float(run.validation[kind.measures.index("accuracy")])


def noise(accuracy: float) -> float:
    """Return two standard errors of a difference of two accuracies: heads and batches are drawn otherwise."""
    return 2 * np.sqrt(2 * accuracy * (1 - accuracy) / SIZES["validation"])


def trainer_accuracy(model_dir: Path, parts: dict[str, Part], seed: int, folder: Path) -> float:
    """Return the best accuracy on validation over epochs, by transformers' classes alone."""
    tokenizer = tokenizer_of(model_dir)
    rows = {
        split: [
            {**tokenizer(text, truncation=True, max_length=LENGTH), "labels": target}
            for (text,), target in zip(of.texts, of.targets, strict=True)
        ]
        for split, of in parts.items()
    }
    arguments = TrainingArguments(
        output_dir=str(folder),
        learning_rate=RATE,
        per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=100,
        num_train_epochs=EPOCHS,
        warmup_steps=round(0.1 * EPOCHS * SIZES["train"] / BATCH),
        weight_decay=0.01,
        eval_strategy="epoch",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        seed=seed,
    )

    def model_init():
        return BertForSequenceClassification.from_pretrained(
            model_dir, num_labels=2, classifier_dropout=0.1
        )

    trainer = Trainer(
        model_init=model_init,
        args=arguments,
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=lambda found: {
            "accuracy": accuracy_score(found.label_ids, found.predictions.argmax(-1))
        },
    )
    trainer.train()
    return max(row["eval_accuracy"] for row in trainer.state.log_history if "eval_accuracy" in row)


def _part(size: int, seed: int) -> Part:
    """Texts of the class whose syllables they hold more of; a tenth of the labels is wrong."""
    rng = np.random.default_rng(seed)
    syllables, found = np.array([list("가나다라마"), list("바사아자차")]), Part()
    for number in range(size):
        of = rng.integers(0, 2, 9)
        words = ["".join(syllables[of[at : at + 3], rng.integers(0, 5, 3)]) for at in (0, 3, 6)]
        label = int(of.sum() > 4)
        found.ids.append(str(number))
        found.groups.append(str(number))
        found.texts.append((" ".join(words),))
        found.targets.append(label if rng.random() > 0.1 else 1 - label)
    return found
