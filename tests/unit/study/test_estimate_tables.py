"""Costs of what follows inference: compared with what studies took, and said in units that are not 0.00."""

import pytest

from scripts.lib.study.contents import Contents
from scripts.lib.study.estimate_tables import UNCERTAINTY, seconds_of_tables, tables_megabytes
from scripts.lib.study.resolve import resolve


def study_of(members: int, sets: int, measures: int = 2) -> dict:
    return resolve(
        {
            "name": "x",
            "datasets": {"kind": "predictions", "validation": [{"id": f"s{n}", "labels": "l"} for n in range(sets)]},
            "members": [{"id": f"m{n}", "kind": "predictions", "file": f"{{dataset}}/{n}.npy"} for n in range(members)],
            "measures": ["disagreement", "js_divergence", "double_fault", "error_consistency"][:measures],
        }
    )


# Processor seconds of all jobs and 10⁶ bytes of results, by Snakemake's benchmark files: (members, sets, samples).
MEASURED = {
    (4, 1, 500): (51.3, 2.5),
    (4, 4, 500): (110.2, 5.4),
    (12, 4, 5000): (139.3, 24.9),
    (20, 1, 2000): (71.9, 203.0),
    (28, 4, 540): (139.3, 21.4),
    (100, 1, 5000): (82.0, 30.9),
}


@pytest.mark.parametrize("size", MEASURED, ids=str)
def test_estimates_are_within_their_uncertainty_of_what_was_measured(size: tuple[int, int, int]) -> None:
    members, sets, samples = size
    study, (seconds, megabytes) = study_of(members, sets), MEASURED[size]
    contents = Contents({f"s{n}": samples for n in range(sets)}, [str(n) for n in range(10)])
    assert seconds / UNCERTAINTY < seconds_of_tables(study, contents) < seconds * UNCERTAINTY
    predictions = members * sets * samples * 10 * 4 / 1e6
    assert megabytes / UNCERTAINTY < tables_megabytes(study) + predictions < megabytes * UNCERTAINTY
