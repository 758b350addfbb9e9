"""The model card: Hub metadata and a page in Korean and English, every figure from the run's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from malmoi.publish.measures import Measure, figure

TEMPLATE = Path(__file__).with_name("card.md.jinja")

#: Keys of the settings that go into the card's metadata as they are, where they are set.
LICENCE_KEYS = ("license", "license_name", "license_link")


def metadata(
    *,
    title: str,
    settings: Mapping[str, Any],
    domains: Sequence[str],
    base_model: str | None,
    measures: Sequence[Measure],
) -> str:
    """Return the card's YAML block (without its dashes) as the Hub's own client writes it.

    Each evaluation becomes a result of the model index. Its file name is the dataset's type, since the
    client merges results of one type and split and would lose their names.
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
        )
        for measure in measures
    ]
    tags = ["bert", "korean", *sorted(set(domains)), *settings.get("tags", [])]
    return ModelCardData(
        language="ko",
        **{key: settings[key] for key in LICENCE_KEYS if settings.get(key)},
        library_name="transformers",
        pipeline_tag="fill-mask",
        tags=list(dict.fromkeys(tags)),
        base_model=base_model,
        model_name=title,
        eval_results=results or None,
    ).to_yaml()


def render(template: Path = TEMPLATE, **content: Any) -> str:
    """Return the card's text from the template; a name the template wants and is not given is an error."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["figure"] = figure
    environment.filters["cell"] = _cell
    return environment.from_string(template.read_text(encoding="utf-8")).render(**content)


def _cell(value: Any) -> str:
    """Return a value as one cell of a Markdown table."""
    return " ".join(figure(value).replace("|", "\\|").split())
