"""Values that are probabilities, percentages or logits; a wrong value among probabilities does not make them logits."""

import numpy as np
import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.reading.class_columns import Outputs
from scripts.lib.reading.probabilities import Reading, require_only_classes, to_logits

SAMPLES = [f"image-{number}" for number in range(40)]


def probabilities(classes: int = 3, rows: int = 40) -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.full(classes, 0.5), rows)


def refusal(values: np.ndarray, kind: str = "auto") -> str:
    with pytest.raises(StudyError) as refused:
        to_logits(values, kind, SAMPLES, "m.csv")
    return str(refused.value)


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("digits", [0, 1, 2])
@pytest.mark.parametrize("kind", ["auto", "probabilities"])
def test_percentages_are_refused_however_they_are_rounded(classes: int, digits: int, kind: str) -> None:
    values = (100 * probabilities(classes)).round(digits)
    assert "percentages, which sum to 100" in refusal(values, kind)
    assert to_logits(values, "logits", SAMPLES, "m.csv")[1] == "logits"


def test_rounded_percentages_that_do_not_sum_to_100_are_among_those_of_the_test() -> None:
    assert ((100 * probabilities(3)).round().sum(1) != 100).any()


def test_percentages_with_a_wrong_value_are_refused() -> None:
    values = (100 * probabilities()).round()
    values[7, 1] = 1000
    assert "for 39 of 40 samples" in refusal(values)


def test_logits_of_whole_numbers_stay_logits() -> None:
    values = np.random.default_rng(0).integers(0, 100, (40, 3)).astype(float)
    assert to_logits(values, "auto", SAMPLES, "m.csv")[1] == "logits"


@pytest.mark.parametrize("digits", [2, 3, 6])
@pytest.mark.parametrize("value", [91.0, -1.0])
def test_a_wrong_value_among_probabilities_is_named(value: float, digits: int) -> None:
    values = probabilities().round(digits)
    values[7, 1] = value
    said = refusal(values)
    assert f"for 1 of 40 samples; the first is {value:g} for image-7. Correct it, or set `values: logits`" in said
    assert to_logits(values, "logits", SAMPLES, "m.csv")[1] == "logits"


@pytest.mark.parametrize(("rows", "wrong"), [(40, 5), (9, 1)])
def test_rows_that_happen_to_be_probabilities_do_not_matter(rows: int, wrong: int) -> None:
    values = probabilities(rows=rows)
    values[:wrong] = [[2, -1, 1]]
    assert to_logits(values, "auto", SAMPLES, "m.csv")[1] == "logits"


@pytest.mark.parametrize("factor", [1, 100])
def test_a_wrong_value_does_not_hide_a_column_that_is_no_class(factor: float) -> None:
    values = np.hstack([factor * probabilities(), np.full((40, 1), 0.7)])
    values[7, 1] = -400
    outputs = Outputs(4, ["cat", "dog", "newt", "loss"])
    with pytest.raises(StudyError, match="the values of 'loss' cannot be probabilities of further classes"):
        require_only_classes(values, [0, 1, 2], outputs, Reading("m.csv"))


def test_further_classes_and_logits_of_further_classes_are_taken() -> None:
    outputs, logits = Outputs(4, ["cat", "dog", "newt", "eft"]), np.random.default_rng(0).normal(size=(40, 4))
    require_only_classes(probabilities(4), [0, 1, 2], outputs, Reading("m.csv"))
    require_only_classes(logits, [0, 1, 2], outputs, Reading("m.csv"))
