"""A program of its own, run without malmoi on its path: load a model folder as any stranger would.

``python -I load_alone.py FOLDER`` prints one JSON object; see ``malmoi.publish.gates.loads``.
"""

from __future__ import annotations

import json
import sys


def main(folder: str) -> None:
    """Load ``folder`` with plain transformers and print what was missing, left over or not finite."""
    import torch
    import transformers
    from transformers import AutoConfig, AutoTokenizer

    # Another class would find keys missing or left over.
    (name,) = AutoConfig.from_pretrained(folder).architectures
    model, loading = getattr(transformers, name).from_pretrained(folder, output_loading_info=True)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer("원고의 청구를 기각한다.", "환자는 퇴원하였다.", return_tensors="pt")
    with torch.no_grad():
        outputs = model.eval()(**inputs)
    report = {
        "architecture": type(model).__name__,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "missing_keys": sorted(loading["missing_keys"]),
        "unexpected_keys": sorted(loading["unexpected_keys"]),
        "mismatched_keys": sorted(str(key) for key in loading["mismatched_keys"]),
        "vocabulary": {"tokenizer": len(tokenizer), "model": model.config.vocab_size},
        "finite_outputs": bool(torch.isfinite(outputs[0]).all()),
    }
    print(json.dumps(report, sort_keys=True))


if __name__ == "__main__":
    # Where malmoi is installed all the same, importing it is an error.
    sys.modules["malmoi"] = None  # type: ignore[assignment]
    main(sys.argv[1])
