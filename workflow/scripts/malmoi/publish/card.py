"""Cards: Hub metadata and a page in Korean and English, every figure from the run's files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from malmoi.errors import InputError
from malmoi.publish.measures import Measure, figure

TEMPLATE = Path(__file__).with_name("card.md.jinja")

#: Keys of the settings that go into the card's metadata as they are, where they are set.
LICENCE_KEYS = ("license", "license_name", "license_link")

#: The Hub's names of sizes of data sets, by the first number of rows that is too large for them.
_SIZES = {
    "n<1K": 10**3,
    "1K<n<10K": 10**4,
    "10K<n<100K": 10**5,
    "100K<n<1M": 10**6,
    "1M<n<10M": 10**7,
    "10M<n<100M": 10**8,
}


def task_of(architecture: str) -> str:
    """Return the Hub's name for what a pretrained network does, from the name of its class."""
    return "text-generation" if architecture.endswith("LMHeadModel") else "fill-mask"


def family_of(architecture: str) -> str:
    """Return what readers call a network, from the name of its class."""
    return "ModernBERT" if architecture.startswith("ModernBert") else "BERT"


def metadata(
    *,
    title: str,
    architecture: str,
    settings: Mapping[str, Any],
    domains: Sequence[str],
    base_model: str | None,
    measures: Sequence[Measure],
) -> str:
    """Return a model card's YAML block (without its dashes) as the Hub's own client writes it.

    Each evaluation becomes a result of the model index. Its file name is the dataset's type, since the
    client merges results of one type and split and would lose their names. The index has no place for an
    interval but a metric's ``args``. ``architecture`` is the class of the network, ``base_model`` an id on the
    Hub.
    """
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type=measure.task_type,
            dataset_type=measure.evaluation,
            dataset_name=f"{title}: {measure.evaluation}",
            dataset_split=measure.split,
            metric_type=measure.metric,
            metric_name=measure.metric,
            metric_value=measure.value,
            metric_args=None
            if measure.low is None or measure.high is None
            else {"confidence_level": 0.95, "confidence_interval": [measure.low, measure.high]},
        )
        for measure in measures
    ]
    return ModelCardData(
        language="ko",
        **_licence(settings),
        library_name="transformers",
        pipeline_tag=task_of(architecture),
        tags=_tags([family_of(architecture).lower(), "korean"], domains, settings),
        base_model=base_model,
        model_name=title,
        eval_results=results or None,
    ).to_yaml()


def tokenizer_metadata(*, settings: Mapping[str, Any], domains: Sequence[str]) -> str:
    """Return the YAML block of the card of a tokenizer alone."""
    from huggingface_hub import ModelCardData

    return ModelCardData(
        language="ko",
        **_licence(settings),
        library_name="transformers",
        tags=_tags(["wordpiece", "tokenizer", "korean"], domains, settings),
    ).to_yaml()


def dataset_metadata(
    *,
    title: str,
    settings: Mapping[str, Any],
    domains: Sequence[str],
    licences: Sequence[str],
    splits: Sequence[str],
    documents: int,
) -> str:
    """Return the YAML block of a data set's card; its files are ``data/SPLIT-*.parquet``.

    What the sources state as ``licences`` need not be a name the Hub knows, so it stands as ``license_name``.
    """
    from huggingface_hub import DatasetCardData

    # The Hub takes small letters, digits, points and dashes; of a name in Hangul nothing is left.
    named = (re.sub(r"[^a-z0-9.]+", "-", licence.lower()).strip("-") for licence in licences)
    size = next((name for name, end in _SIZES.items() if documents < end), "100M<n<1B")
    return DatasetCardData(
        language="ko",
        license="other",
        license_name="-and-".join(dict.fromkeys(name or "other" for name in named)),
        pretty_name=title,
        size_categories=size,
        task_categories=["fill-mask"],
        tags=_tags(["korean"], domains, settings),
        configs=[
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": f"data/{split}-*.parquet"} for split in splits
                ],
            }
        ],
    ).to_yaml()


def render(template: Path = TEMPLATE, **content: Any) -> str:
    """Return the card's text from the template; a name the template wants and is not given is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, TEMPLATE.parent]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["figure"] = figure
    environment.filters["cell"] = _cell
    text = environment.get_template(template.name).render(**content)
    # Shared parts end in a line break of their own.
    return re.sub(r"\n{3,}", "\n\n", text)


def check(text: str, written: str, repo_type: str) -> None:
    """Check that the Hub's client reads out of a card the metadata that was ``written`` for it.

    ``repo_type`` is ``model`` or ``dataset``. Nothing is asked over the network.

    Raises:
        InputError: the card's block is no metadata, or other metadata than that.
    """
    from huggingface_hub import DatasetCard, ModelCard

    reader = DatasetCard if repo_type == "dataset" else ModelCard

    try:
        found = reader(text).data.to_yaml()
    except ValueError as error:
        raise InputError(f"the card's metadata is not valid: {error}; mend the template") from None
    if found != reader(f"---\n{written}\n---\n").data.to_yaml():
        raise InputError(
            "the card does not begin with its metadata between two lines of ---; mend the template"
        )


def citation(key: str, title: str, settings: Mapping[str, Any], origin: Mapping[str, Any]) -> str:
    """Return the BibTeX entry to cite by: ``citation`` of the settings, or one made of title and provenance."""
    given = str(settings.get("citation") or "").strip()
    if given:
        return given
    return (
        f"@misc{{{key},\n"
        f"  title = {{{title.translate({ord('{'): None, ord('}'): None})}}},\n"
        f"  howpublished = {{Made with malmoi {origin['malmoi']}}},\n"
        f"  note = {{Configuration {origin['config_fingerprint'][:16]}}}\n"
        "}"
    )


def _licence(settings: Mapping[str, Any]) -> dict[str, str]:
    return {key: settings[key] for key in LICENCE_KEYS if settings.get(key)}


def _tags(own: Sequence[str], domains: Sequence[str], settings: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys([*own, *sorted(set(domains)), *(settings.get("tags") or [])]))


def _cell(value: Any) -> str:
    """Return a value as one cell of a Markdown table."""
    return " ".join(figure(value).replace("|", "\\|").split())
