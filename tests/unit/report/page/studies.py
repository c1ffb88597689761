"""Small made-up studies with only what the explorer reads, of any number of members and with any names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.jobs.paths import ROOT
from scripts.lib.jobs.storage import save_json, save_table
from scripts.lib.measures.member_pairs import pairs_table
from scripts.lib.report.explorer.arrays import counts, packed
from scripts.lib.report.explorer.block import explorer_block
from scripts.lib.report.page import as_data, page_parts

CLASSES = 4


def small_study(
    folder: Path,
    names: Sequence[str],
    lists: Sequence[Sequence[int]],
    datasets: Sequence[str] = ("clean",),
    chosen: Sequence[int] = (),
) -> dict[str, Any]:
    """Write the tables of the ensembles `lists` (positions of members); return the settings of the study.

    Deployment chose `chosen` (the last of `lists` if it is empty), with 55 % on one half of the samples, 60 % on the
    other.
    """
    random = np.random.default_rng(0)
    for dataset in datasets:
        labels = random.integers(0, CLASSES, 40)
        shape = (len(names), 40)
        predicted = np.where(random.random(shape) < 0.7, labels, random.integers(0, CLASSES, shape))
        right = predicted == labels
        _save_members(folder, dataset, names, right)
        save_table(folder / f"ensembles/{dataset}.parquet", _ensembles(lists, predicted, labels))
        _save_choices(folder, dataset, [chosen] if chosen else lists, right)
        _save_pairs(folder, dataset, names, predicted, labels)
    table = {"position": range(len(names)), "member": names, "macs": [1e6 * (i + 1) for i in range(len(names))]}
    save_table(folder / "members.parquet", pl.DataFrame(table))
    return {
        "name": "small",
        "members": [{"id": name} for name in names],
        "datasets": {"validation": [{"id": dataset} for dataset in datasets]},
        "ensembles": {"consensus": ["average", "vote"]},
        "measures": ["disagreement"],
        "deployment": {"selection_share": 0.5},
        "baseline": None,
    }


def page_of(folder: Path, study: dict[str, Any]) -> Path:
    """A page with nothing but the explorer."""
    return written_page(folder, explorer_block(folder, study))


def written_page(folder: Path, content: dict[str, Any]) -> Path:
    """A page with the explorer of a data block."""
    parts, block = page_parts(ROOT / "report/page"), as_data(content)
    page = f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{parts.policy}"><title>explorer</title><style>{parts.style}</style>
</head><body><section id="explorer"><div id="explorer-content"></div></section>
<script type="application/json" id="explorer-data">{block}</script><script>{parts.script}</script></body></html>"""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    return path


def made_up_block(members: int, samples: int = 1000) -> tuple[dict[str, Any], np.ndarray]:
    """A data block with every ensemble of some members on one set, and their correct answers int64 [2 ** members].

    Correct answers are whatever looks like a cloud: nothing was classified.
    """
    random = np.random.default_rng(0)
    alone = random.integers(samples // 2, samples * 3 // 4, members)
    pairs = random.uniform(0.1, 0.4, members * (members - 1) // 2)
    patterns = np.arange(2**members)
    chosen = ((patterns[:, None] >> np.arange(members)) & 1).astype(np.int16)
    sizes = np.maximum(chosen.sum(1), 1)
    mean = chosen @ alone / sizes
    right = np.rint(mean + samples / 6 * (1 - 1 / sizes) + random.normal(0, 8, len(sizes))).clip(0, samples)
    names = [f"m{i}" for i in range(members)]
    block = {
        "members": names,
        "baseline": None,
        "consensus": [{"name": "vote", "title": "majority vote", "averages": False}],
        "costs": {"macs": [1e6 * (i + 1) for i in range(members)]},
        "datasets": [{"name": "clean", "title": "Clean", "samples": samples, "right": alone.tolist()}],
        "choices": [
            {"dataset": "clean", "consensus": "vote", "recommended": [0, 1], "best_of_size": [[0], [0, 1]], "found": []}
        ],
        "rows": {"kind": "every"},
        "ensembles": [{"right": {"vote": counts(right.astype(np.int64))}, "nll": {}, "brier": {}, "measures": {}}],
        "measures": [
            {
                "name": "disagreement",
                "title": "Prediction disagreement",
                "unit": "%",
                "factor": 100,
                "similarity": False,
                "pairs": [packed(pairs, "f64")],
            }
        ],
        "pairs": [None],
    }
    block["datasets"][0] |= {"nll": [None] * members, "brier": [None] * members}
    return block, right.astype(np.int64)


def _save_members(folder: Path, dataset: str, names: Sequence[str], right: np.ndarray) -> None:
    alone = 100 * right.mean(1)
    table = {"position": range(len(names)), "member": names, "samples": right.shape[1], "accuracy": alone}
    save_table(folder / f"accuracies/{dataset}.parquet", pl.DataFrame(table | {"nll": 0.5, "brier": 0.25}))


def _ensembles(lists: Sequence[Sequence[int]], predicted: np.ndarray, labels: np.ndarray) -> pl.DataFrame:
    """By vote in both ways, which is enough here; of equal votes, the lowest class counts."""
    votes = [np.stack([(predicted[list(row)] == c).sum(0) for c in range(CLASSES)]).argmax(0) for row in lists]
    accuracy = [100 * float((found == labels).mean()) for found in votes]
    parts = [
        pl.DataFrame(
            {
                "members": pl.Series([list(row) for row in lists], dtype=pl.List(pl.UInt16)),
                "size": pl.Series([len(row) for row in lists], dtype=pl.UInt16),
                "consensus": pl.Series([way] * len(lists), dtype=pl.String),
                "accuracy": pl.Series(accuracy, dtype=pl.Float64),
                "nll": pl.Series([0.25 if way == "average" else None] * len(lists), dtype=pl.Float64),
                "brier": pl.Series([0.125 if way == "average" else None] * len(lists), dtype=pl.Float64),
                "disagreement": pl.Series([0.5] * len(lists), dtype=pl.Float64),
            }
        )
        for way in ("average", "vote")
    ]
    return pl.concat(parts)


def _save_choices(folder: Path, dataset: str, lists: Sequence[Sequence[int]], right: np.ndarray) -> None:
    best = [[int(right.mean(1).argmax())], *([list(lists[-1])] if lists else [])]
    rows = [
        {
            "consensus": way,
            "chosen_for": "size",
            "size": len(row),
            "members": row,
            "selection_accuracy": 50.0 + 5 * i,
            "accuracy": 60.0,
        }
        for way in ("average", "vote")
        for i, row in enumerate(best)
    ]
    schema = {"members": pl.List(pl.UInt16)}
    found = {"consensus": pl.String, "members": pl.List(pl.UInt16), "accuracy": pl.Float64}
    save_table(folder / f"best_ensembles/{dataset}.parquet", pl.DataFrame(schema=found))
    save_table(folder / f"deployment/{dataset}.parquet", pl.DataFrame(rows, schema_overrides=schema))


def _save_pairs(folder: Path, dataset: str, names: Sequence[str], predicted: np.ndarray, labels: np.ndarray) -> None:
    if len(names) > 1:
        a, b = (index.ravel() for index in np.indices((len(names),) * 2))
        apart = (predicted[a] != predicted[b]).mean(1) if len(names) <= 100 else np.full(len(a), 0.5)
        table = {"member_a": np.array(names)[a], "member_b": np.array(names)[b], "value": apart}
        save_table(folder / f"pairwise/{dataset}/disagreement.parquet", pl.DataFrame(table))
    save_table(folder / f"member_pairs/{dataset}.parquet", pairs_table(names, predicted, labels, CLASSES))
    content = {"classes": list("abcd"), "class_samples": np.bincount(labels, minlength=CLASSES).tolist(), "samples": []}
    save_json(folder / f"member_pairs/{dataset}.json", content)
