"""What the specs of measures say of themselves."""

import numpy as np
import polars as pl
import pytest

from scripts.lib.jobs.paths import ROOT
from scripts.lib.measures.spec import MEASURES, Quantity, measure_of_diversity
from scripts.lib.study.schema import schema

NEEDS = {
    "disagreement": "predictions",
    "attribution_similarity": "attributions",
    "activation_similarity": "activations",
    "js_divergence": "predictions",
    "oracle_disagreement": "predictions",
    "double_fault": "predictions",
    "yules_q": "predictions",
    "correctness_correlation": "predictions",
    "error_consistency": "predictions",
    "ratio_of_errors": "predictions",
    "attribution_pearson_similarity": "attributions",
    "attribution_spearman_similarity": "attributions",
    "attribution_topk_iou_similarity": "attributions",
    "unbiased_activation_similarity": "activations",
}


def test_every_family_is_found_and_its_measures_need_what_they_compare() -> None:
    assert {name: measure.needs for name, measure in MEASURES.items()} == NEEDS
    assert list(MEASURES) == list(NEEDS)
    assert MEASURES.file_of("yules_q") == ROOT / "scripts/lib/measures/kinds/correctness.py"


def test_linear_alignment_alone_needs_all_samples_at_once() -> None:
    assert {measure.name for measure in MEASURES.values() if measure.whole} == {"activation_similarity"}


def test_the_schema_offers_the_measures_of_the_registry() -> None:
    assert schema()["properties"]["measures"]["items"]["enum"] == list(MEASURES)


def test_a_similarity_becomes_a_diversity_and_a_diversity_stays() -> None:
    matrix = np.array([[1, 0.25], [0.25, 1]])
    for measure in MEASURES.values():
        expected = np.array([[0, 0.75], [0.75, 0]]) if measure.similarity else matrix
        np.testing.assert_array_equal(measure.as_diversity(matrix), expected)
        assert (measure.diversity == measure.name) == (not measure.similarity)
    assert MEASURES["attribution_similarity"].diversity == "attribution_dissimilarity"
    assert MEASURES["yules_q"].diversity == "one_minus_yules_q"


def test_a_column_is_turned_as_a_matrix_is() -> None:
    column = pl.Series([0.25, None])
    assert MEASURES["double_fault"].as_diversity(column).to_list() == [0.75, None]
    assert MEASURES["disagreement"].as_diversity(column).to_list() == [0.25, None]


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_is_found_by_the_name_of_its_diversity(name: str) -> None:
    measure = MEASURES[name]
    assert measure_of_diversity(measure.diversity) is measure
    assert (measure_of_diversity(name) is measure) == (not measure.similarity)


def test_what_is_not_a_diversity_of_a_measure_is_none() -> None:
    assert measure_of_diversity("mean_member_accuracy") is None


def test_a_title_keeps_the_capital_of_a_proper_name_inside_a_sentence() -> None:
    titles = {name: measure.quantity.inside_a_sentence for name, measure in MEASURES.items()}
    assert titles["js_divergence"] == "Jensen-Shannon divergence"
    assert titles["disagreement"] == "prediction disagreement"
    assert titles["yules_q"] == "Yule's Q"


def test_the_label_of_an_axis_has_the_unit_if_there_is_one() -> None:
    assert Quantity("Width", "mm").label == "Width (mm)"
    assert Quantity("Width").label == "Width"
