"""A zoo of many files of predictions, to see what a study of it costs: `python -m benchmarks.large_zoo FOLDER`.

Members are random, but as models are: some better than others, wrong on the same difficult samples.
"""

import argparse
from pathlib import Path

import numpy as np
import yaml


def write_zoo(folder: Path, members: int, samples: int, classes: int) -> Path:
    """Write labels, a file of logits a member, and a study of them; returns the study's path."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, classes, samples)
    ease = generator.normal(2.5, 1.5, samples).astype(np.float32)
    (folder / "predictions").mkdir(parents=True, exist_ok=True)
    np.save(folder / "labels.npy", labels)
    for member in range(members):
        logits = generator.standard_normal((samples, classes), np.float32)
        logits[np.arange(samples), labels] += ease * generator.uniform(0.4, 1.1)
        np.save(folder / "predictions" / f"member-{member:04d}.npy", logits)
    study = {
        "name": "large-zoo",
        "datasets": {"kind": "predictions", "validation": [{"id": "clean", "labels": "labels.npy"}]},
        "members": {"from": "predictions/*.npy"},
        "measures": ["disagreement", "js_divergence", "double_fault", "error_consistency"],
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    for name, number in (("members", 1000), ("samples", 10_000), ("classes", 10)):
        parser.add_argument(f"--{name}", type=int, default=number)
    arguments = parser.parse_args()
    print(write_zoo(arguments.folder, arguments.members, arguments.samples, arguments.classes))
