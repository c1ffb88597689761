"""Evidence in halves is read from the tables of a study."""

from pathlib import Path

import numpy as np
import polars as pl
import torch

from scripts.lib.jobs.storage import save_table
from scripts.lib.measures.sums import pairwise_table
from scripts.lib.statistics.by_size import Ensembles
from scripts.lib.statistics.split_evidence import groups_of, read_split_evidence
from tests.unit.conftest import subsets

MEMBERS = ["a", "b", "c", "d"]


def symmetric(seed: int, members: int) -> torch.Tensor:
    values = torch.rand(members, members, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return values + values.T


def write(folder: Path, dataset: str, matrices: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> dict[str, list[str]]:
    """The tables of one dataset with 11 samples; attributions compare three of the members."""
    names = {"disagreement": MEMBERS, "attribution_similarity": ["a", "b", "d"]}
    files: dict[str, list[str]] = {"accuracies": [], "halves": [], "pairwise": []}
    counts = pl.DataFrame({"member": MEMBERS, "samples": 11, "right_even": [6, 3, 0, 1], "right_odd": [5, 1, 0, 2]})
    counts = counts.with_columns(confidence_even=pl.Series([0.9, 0.5, 0.2, 0.4]), confidence_odd=0.3)
    tables = {"accuracies": counts.with_columns(position=pl.Series([0, 1, 2, 3])).reverse()}
    right = np.arange(len(subsets(4, "all")))
    tables["halves"] = pl.DataFrame({"average_even": right % 7, "average_odd": right % 5})
    for kind, table in tables.items():
        files[kind] = [str(folder / f"{kind}-{dataset}.parquet")]
        save_table(files[kind][0], table)
    for measure, (even, odd) in matrices.items():
        files["pairwise"].append(str(folder / f"{measure}-{dataset}.parquet"))
        columns = {"value": even, "value_even": even, "value_odd": odd}
        save_table(files["pairwise"][-1], pairwise_table(columns, names[measure], 11))
    return files


def test_both_halves_of_every_table_are_read(tmp_path: Path) -> None:
    shown = {name: (symmetric(size, size), symmetric(size + 9, size)) for name, size in SIZES.items()}
    files = [write(tmp_path, dataset, shown) for dataset in ("clean", "noise")]
    together = {kind: files[0][kind] + files[1][kind] for kind in files[0]}
    compared = {"disagreement": MEMBERS, "attribution_similarity": ["a", "b", "d"]}
    found = dict(read_split_evidence(together, ["clean", "noise"], MEMBERS, compared, 11))
    assert list(found) == ["clean", "noise"]
    evidence = found["noise"]
    np.testing.assert_allclose(evidence.accuracies, [[100, 50, 0, 100 / 6], [100, 20, 0, 40]])
    np.testing.assert_array_equal(evidence.confidences, [[0.9, 0.5, 0.2, 0.4], [0.3] * 4])
    assert evidence.outcomes["average"].shape == (2, 11)
    assert evidence.outcomes["average"][:, 6].tolist() == [100, 20]
    np.testing.assert_array_equal(evidence.diversities["disagreement"][1], shown["disagreement"][1])
    attributions = evidence.diversities["attribution_dissimilarity"]
    np.testing.assert_array_equal(attributions[0][np.ix_([0, 1, 3], [0, 1, 3])], 1 - shown["attribution_similarity"][0])
    assert np.isnan(attributions[:, 2]).all()

    chosen = subsets(4, "all")
    order = np.argsort(chosen.sum(1), kind="stable")
    first, second = groups_of(evidence, Ensembles(chosen[order]), order)
    assert (list(first.diversities), list(second.diversities)) == (["disagreement"], ["attribution_dissimilarity"])
    assert second.accuracies.shape == (2, 3)
    np.testing.assert_array_equal(second.confidences[0], [0.9, 0.5, 0.4])
    rows = [row for row in order if not chosen[row, 2]]
    np.testing.assert_array_equal(second.outcomes["average"], evidence.outcomes["average"][:, rows])
    np.testing.assert_array_equal(second.ensembles.chosen, chosen[rows][:, [0, 1, 3]])


SIZES = {"disagreement": 4, "attribution_similarity": 3}
