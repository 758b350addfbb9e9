"""malmoi's fine-tuning gives what transformers' own Trainer gives on the same data and seed."""

import numpy as np
import pytest
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

EPOCHS, BATCH, RATE = 8, 16, 3e-3
SIZES = {"train": 320, "validation": 400}


def part(size: int, seed: int) -> Part:
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


def trainer_accuracy(model_dir, parts: dict[str, Part], seed: int, folder) -> float:
    """Return the best accuracy on validation over epochs, by transformers' classes alone."""
    tokenizer = tokenizer_of(model_dir)
    rows = {
        split: [
            {**tokenizer(text, truncation=True, max_length=32), "labels": target}
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


def test_fine_tuning_scores_as_transformers_trainer_does(model_dir, tmp_path):
    parts = {split: part(size, at) for at, (split, size) in enumerate(SIZES.items())}
    kind = Classification(Task("made", "classification", ["가", "바"], parts, {}, 0, 0))
    tokenizer = tokenizer_of(model_dir)
    parts["test"] = parts["validation"]
    encoded = {split: kind.encode(tokenizer, of, 32) for split, of in parts.items()}
    settings = {"learning_rate": RATE, "epochs": EPOCHS, "batch_size": BATCH}
    run = fine_tune(model_dir, kind, encoded, parts, pretrained=True, seed=3, **settings)
    ours = run.validation[kind.measures.index("accuracy")]
    theirs = trainer_accuracy(model_dir, parts, 3, tmp_path)
    # Heads and batches are drawn otherwise: two standard errors of a difference of two accuracies.
    noise = 2 * np.sqrt(2 * theirs * (1 - theirs) / SIZES["validation"])
    assert min(ours, theirs) > 0.8
    assert ours == pytest.approx(theirs, abs=noise)
