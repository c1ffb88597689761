"""Write a study with many members and validation sets, to measure how the workflow scales.

python -m benchmarks.large_study --members 1000 --datasets 20 > large.yaml
snakemake --configfile large.yaml --dry-run --quiet all --cores 1
"""

import argparse
import sys

import yaml

CORRUPTIONS = ["noise", "blur", "weather", "digital"]


def large_study(members: int, datasets: int) -> dict[str, object]:
    """A study of scikit-learn's digits: one clean set, the others corrupted; members differ by their seed."""
    corrupted = [
        {"id": f"set{n}", "of": "clean", "corruption": CORRUPTIONS[n % 4], "severity": 1 + n // 4 % 5}
        for n in range(1, datasets)
    ]
    return {
        "name": f"large-{members}-{datasets}",
        "datasets": {"kind": "digits", "image_size": 32, "validation": [{"id": "clean"}, *corrupted]},
        "overrides": {"image_size": 32, "epochs": 1},
        "members": [{"id": f"member{n}", "recipe": "Squeezenet", "seed": n} for n in range(members)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--datasets", type=int, default=20)
    arguments = parser.parse_args()
    yaml.safe_dump(large_study(arguments.members, arguments.datasets), sys.stdout, sort_keys=False)


if __name__ == "__main__":
    main()
