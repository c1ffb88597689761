"""Effects on the negative log-likelihood, against ordinary least squares with one column per size."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from polars.testing import assert_frame_equal

from scripts.lib.ensembles.subsets import mean_pairwise
from scripts.lib.statistics.split_evidence import SplitEvidence, nll_outcome
from tests.unit.statistics.test_effects import effect, pair_controls, study, table_of


def with_nll(evidence: SplitEvidence, seed: int = 20) -> SplitEvidence:
    """The same study with random negative log-likelihoods."""
    generator = np.random.default_rng(seed)
    shapes = evidence.accuracies.shape, evidence.outcomes["average"].shape
    of_members, of_ensembles = (1 + 0.3 * generator.random(shape) for shape in shapes)
    return replace(evidence, scores=[nll_outcome(of_members, evidence.confidences, {"average": of_ensembles})])


def test_effects_on_nll_hold_nll_and_confidence_of_the_members_fixed() -> None:
    evidence, chosen = study(seed=11, members=8)
    evidence = with_nll(evidence)
    kept = chosen.sum(1) > 1
    inside, size, [nll], partial, per_sd = chosen[kept], chosen[kept].sum(1), evidence.scores, [], []
    for half in (0, 1):
        controls = [control for values in nll.held_fixed[1 - half] for control in pair_controls(values)]
        design = np.stack(
            [*(size == each for each in set(size)), *(mean_pairwise(inside, control) for control in controls)], axis=1
        )
        design = design / np.linalg.norm(design, axis=0)
        diversity = mean_pairwise(inside, evidence.diversities["disagreement"][half])
        values = (diversity, nll.values["average"][1 - half, kept])
        x, y = (value - design @ np.linalg.lstsq(design, value)[0] for value in values)
        partial.append(scipy.stats.pearsonr(x, y).statistic)
        per_sd.append(scipy.stats.linregress(x, y).slope * x.std())
    found = effect(evidence, chosen, outcome="nll")
    assert found["partial"] == pytest.approx(np.mean(partial), rel=1e-7)
    assert found["per_sd"] == pytest.approx(np.mean(per_sd), rel=1e-7)
    assert np.all(nll.values["average"] < 0), "a smaller NLL is better, so the outcome is its negative"


def test_effects_on_accuracy_do_not_depend_on_other_outcomes() -> None:
    evidence, chosen = study(seed=12, members=7)
    table = table_of(with_nll(evidence), chosen)
    assert table["outcome"].to_list() == ["accuracy", "accuracy", "nll"]
    assert_frame_equal(table.filter(outcome="accuracy"), table_of(evidence, chosen))
    [of_nll] = table.filter(outcome="nll").iter_rows(named=True)
    assert of_nll["q_value"] == of_nll["p_value"], "each outcome is a family of its own"


def test_effects_need_six_members() -> None:
    """Six controls: an interval leaves out one member, and five have ten pairs, but four only six."""
    five, six = (table_of(with_nll(evidence), chosen) for evidence, chosen in (study(members=5), study(members=6)))
    assert five["partial"].is_null().all()
    assert six["partial"].is_not_null().all()
