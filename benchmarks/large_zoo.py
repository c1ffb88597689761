"""A zoo of many files of predictions, to see what a study of it costs: `python -m benchmarks.large_zoo FOLDER`.

Members are random but resemble models: some are better than others, they are wrong on the same difficult samples, and
they are worse on each further validation set.
"""

import argparse
from pathlib import Path

import numpy as np
import yaml


def write_zoo(folder: Path, members: int, datasets: int, samples: int, classes: int) -> Path:
    """Write labels, one file of logits per member and validation set, and a study of them; returns the study's path."""
    names = [f"set{number}" for number in range(datasets)]
    for number, name in enumerate(names):
        _write_dataset(folder, name, np.random.default_rng(number), 2.5 - 0.4 * number, members, samples, classes)
    validation = [{"id": name, "labels": f"labels/{name}.npy"} for name in names]
    study = {
        "name": "large-zoo",
        "datasets": {"kind": "predictions", "validation": validation},
        "members": {"from": "predictions/{dataset}/*.npy"},
        "measures": ["disagreement", "js_divergence", "double_fault", "error_consistency"],
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    return path


def _write_dataset(
    folder: Path, name: str, generator: np.random.Generator, ease: float, members: int, samples: int, classes: int
) -> None:
    labels = generator.integers(0, classes, samples)
    advantages = generator.normal(ease, 1.5, samples).astype(np.float32)
    for place in ("labels", f"predictions/{name}"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    np.save(folder / "labels" / f"{name}.npy", labels)
    for member in range(members):
        skill = np.random.default_rng(member).uniform(0.4, 1.1)
        logits = generator.standard_normal((samples, classes), np.float32)
        logits[np.arange(samples), labels] += advantages * skill
        np.save(folder / "predictions" / name / f"member-{member:04d}.npy", logits)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    for name, number in (("members", 1000), ("datasets", 1), ("samples", 10_000), ("classes", 10)):
        parser.add_argument(f"--{name}", type=int, default=number)
    print(write_zoo(**vars(parser.parse_args())))
