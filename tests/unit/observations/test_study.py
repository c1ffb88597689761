"""From the files of a study to its verdicts: the numbers are those of the same functions on the arrays themselves."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from scripts.lib.ensembles.counting import Question, count_in_files
from scripts.lib.ensembles.halves import halves_table
from scripts.lib.ensembles.subsets import subsets
from scripts.lib.ensembles.tables import accuracies_table
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.checksums import checksums
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import digest_of_lines, save_array, save_json, save_lines, save_table
from scripts.lib.measures.sums import pairwise_table
from scripts.lib.observations import attribution_diversity, resilience_of_ensembles, resilience_of_members
from scripts.lib.observations.study import SCHEMA, Decision, StudyFiles, files_of_study, verdicts_table
from scripts.lib.statistics.robustness import Counts

MEMBERS = [f"member {number}" for number in range(10)]
FAMILIES = ["a", "b", "c"] * 3 + ["a"]
DATASETS, N, C, ATTRIBUTED = ["clean", "noise"], 600, 4, 400
CHOSEN = subsets(len(MEMBERS), "all", 0, 0)
WITH_ATTRIBUTIONS = MEMBERS[:8]
NO_GROUPS: dict[str, Any] = {"members": [], "groups": []}
DECISION = Decision("average", permutations=99, seed=0)


@pytest.fixture(scope="module")
def logits() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    skill = np.linspace(0.2, 4, len(MEMBERS))
    found = {}
    for place, dataset in enumerate(DATASETS):
        values = generator.normal(size=(len(MEMBERS), N, C))
        values[:, np.arange(N), np.arange(N) % C] += skill[:, None] / (1 + place)
        found[dataset] = values.astype(np.float32)
    return found


@pytest.fixture(scope="module")
def similarities() -> dict[str, np.ndarray]:
    """On all images with attributions, on the even and on the odd ones."""
    generator = np.random.default_rng(1)
    count, found = len(WITH_ATTRIBUTIONS), {}
    for dataset in DATASETS:
        common, noise = generator.normal(size=(count, count)), generator.normal(size=(3, count, count))
        values = 0.5 + 0.1 * common + 0.02 * noise
        found[dataset] = (values + values.transpose(0, 2, 1)) / 2
    return found


@pytest.fixture(scope="module")
def files(
    tmp_path_factory: pytest.TempPathFactory, logits: dict[str, np.ndarray], similarities: dict[str, np.ndarray]
) -> StudyFiles:
    folder = tmp_path_factory.mktemp("study")
    columns = {"family": FAMILIES, "parameters": [10 ** (5 + number % 4) for number in range(len(MEMBERS))]}
    save_table(
        folder / "members.parquet", pl.DataFrame({"position": range(len(MEMBERS)), "member": MEMBERS, **columns})
    )
    samples = [str(row) for row in range(N)]
    save_json(folder / "classes.json", [str(number) for number in range(C)])
    for dataset in DATASETS:
        recorded = _recorded(folder, dataset, logits[dataset], samples)
        halves = count_in_files(recorded, Question(CHOSEN, ["average"]), torch.device("cpu")).halves
        save_table(folder / "accuracies" / f"{dataset}.parquet", accuracies_table(dataset, MEMBERS, halves))
        save_table(folder / "halves" / f"{dataset}.parquet", halves_table(halves))
        names = ("value", "value_even", "value_odd")
        matrices = dict(zip(names, map(torch.from_numpy, similarities[dataset]), strict=True))
        save_table(folder / f"{dataset}.parquet", pairwise_table(matrices, WITH_ATTRIBUTIONS, ATTRIBUTED))
    return _declared(folder)


def _recorded(folder: Path, dataset: str, logits: np.ndarray, samples: list[str]) -> RecordedFiles:
    for member, values in zip(MEMBERS, logits, strict=True):
        path = folder / "predictions" / dataset / f"{member}.npy"
        save_array(path, values)
        record = {"samples": digest_of_lines(samples), "sample_count": N, "checksums": checksums(predictions=path)}
        save_json(path.with_suffix(".json"), record)
    of_set = {"labels": folder / f"{dataset}.npy", "samples": folder / f"{dataset}.txt"}
    save_array(of_set["labels"], np.arange(N) % C)
    save_lines(of_set["samples"], samples)
    save_json(folder / f"{dataset}.json", {"checksums": checksums(**of_set)})
    return _declared(folder).predictions[DATASETS.index(dataset)]


def _declared(folder: Path) -> StudyFiles:
    """As the rule names them."""

    def each(pattern: str) -> list[str]:
        return [str(folder / pattern.format(dataset)) for dataset in DATASETS]

    inputs = {
        "members": str(folder / "members.parquet"),
        "accuracies": each("accuracies/{}.parquet"),
        "halves": each("halves/{}.parquet"),
        "attributions": each("{}.parquet"),
        "groups": [],
        **dict.fromkeys(("records", "arrays"), each("predictions/{}")),
        "labels": each("{}.npy"),
        "samples": each("{}.txt"),
        "set_record": each("{}.json"),
        "classes": each("classes.json"),
    }
    return files_of_study(inputs, DATASETS, MEMBERS, WITH_ATTRIBUTIONS)


@pytest.fixture(scope="module")
def table(files: StudyFiles) -> pl.DataFrame:
    return verdicts_table(files, CHOSEN, NO_GROUPS, DECISION)


def deciding(table: pl.DataFrame, observation: str) -> tuple[float, float, float]:
    [row] = table.filter(pl.col("verdict").is_not_null(), observation=observation).iter_rows(named=True)
    return row["estimate"], row["low"], row["high"]


def test_every_observation_has_one_verdict(table: pl.DataFrame) -> None:
    assert dict(table.schema) == SCHEMA
    verdicts = table.filter(pl.col("verdict").is_not_null())
    assert verdicts["observation"].to_list() == ["1a", "1b", "2", "3", "4"]
    assert verdicts["members"].to_list() == [10, 10, 8, 0, 0]
    assert table.filter(observation="1b", dataset="noise")["estimate"].to_list() == [deciding(table, "1b")[0]]


def right_answers(logits: np.ndarray) -> np.ndarray:
    return logits.argmax(2) == np.arange(N) % C


def test_resilience_of_members_comes_from_their_correct_answers(
    table: pl.DataFrame, files: StudyFiles, logits: dict[str, np.ndarray]
) -> None:
    halves = [
        tuple(Counts(right_answers(logits[dataset])[:, half::2].sum(1), N // 2) for half in (0, 1))
        for dataset in DATASETS
    ]
    parameters = pl.read_parquet(files.described)["parameters"].to_numpy().astype(float)
    members = resilience_of_members.Members(FAMILIES, parameters, halves[0], halves[1:])  # type: ignore[arg-type]
    expected = resilience_of_members.verdict(members, 99, 0).deciding
    assert deciding(table, "1a") == pytest.approx((expected.value, expected.low, expected.high))


def averages(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64))
    probabilities = powers / powers.sum(2, keepdims=True)
    return np.stack([right_answers(probabilities[inside].mean(0)[None])[0] for inside in CHOSEN])


def test_resilience_of_ensembles_comes_from_their_correct_answers(
    table: pl.DataFrame, logits: dict[str, np.ndarray]
) -> None:
    members = [Counts(right_answers(logits[dataset]).sum(1), N) for dataset in DATASETS]
    ensembles = [Counts(averages(logits[dataset]).sum(1), N) for dataset in DATASETS]
    shifted = resilience_of_ensembles.ShiftedSet("noise", members[1], ensembles[1], members[0], ensembles[0])
    expected = resilience_of_ensembles.verdict(FAMILIES, CHOSEN, [shifted]).deciding
    assert deciding(table, "1b") == pytest.approx((expected.value, expected.low, expected.high))


def test_both_diversities_are_measured_on_the_images_with_attributions(
    table: pl.DataFrame, logits: dict[str, np.ndarray], similarities: dict[str, np.ndarray]
) -> None:
    inside = ~CHOSEN[:, 8:].any(1)
    datasets = []
    for dataset in DATASETS:
        classes = logits[dataset][:8, :ATTRIBUTED].argmax(2)
        differ = classes[:, None] != classes[None]
        predictions = np.stack([differ[:, :, half::2].mean(2) for half in (0, 1)])
        right = averages(logits[dataset])[inside]
        accuracies = np.stack([100 * right[:, half::2].mean(1) for half in (0, 1)])
        attributions = 1 - similarities[dataset][1:]
        datasets.append(attribution_diversity.Diversities(dataset, attributions, predictions, accuracies))
    expected = attribution_diversity.verdict(CHOSEN[inside][:, :8], datasets).deciding
    assert deciding(table, "2") == pytest.approx((expected.value, expected.low, expected.high), nan_ok=True)
    assert table.filter(observation="2", statistic="correlation_of_prediction_disagreement").height == 2


def test_a_study_without_attributions_or_shifted_sets_says_so(files: StudyFiles) -> None:
    alone = StudyFiles(
        DATASETS[:1], MEMBERS, files.described, files.accuracies[:1], files.halves[:1], files.predictions[:1], [], []
    )
    found = verdicts_table(alone, CHOSEN, NO_GROUPS, DECISION).filter(pl.col("verdict").is_not_null())
    assert found["verdict"].to_list() == ["undecided"] * 5
    reasons = found["reason"].to_list()[:3]
    assert reasons[:2] == ["there is no shifted validation set"] * 2
    assert "with attributions" in reasons[2]


def test_a_table_of_other_ensembles_is_refused(files: StudyFiles) -> None:
    with pytest.raises(StudyError, match=r"clean.parquet has 1013 rows, not one for each of the 1012 ensembles"):
        verdicts_table(files, CHOSEN[1:], NO_GROUPS, DECISION)
