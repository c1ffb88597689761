"""What everything after inference will cost: pairs, ensembles, statistics, figures and report.

Unlike trainings, these jobs are not timed: their costs follow from numbers that were measured once, on one core of an
AMD EPYC, as processor time. Starting a job takes longer than what it computes in most studies.
"""

from typing import Any

from scripts.lib.ensembles.sizes import evaluated_ensembles, is_exhaustive
from scripts.lib.study.contents import Contents

# The truth is expected between a third and three times an estimate: machines differ, and so do studies.
UNCERTAINTY = 3
SECONDS_OF_A_JOB = 1.6  # 32 jobs of 4 members, 500 samples and one set took 51 s
# All ensembles of 20 members on five sets of 10 000 samples take about 250 s more than those of 12 (docs/scaling.md).
SECONDS_OF_AN_ENSEMBLE, SAMPLES_AT_TWICE_THE_TIME = 2.5e-5, 10_000
# Calibration, greedy selection and lists of ensembles, for one member, sample and class; one pair, sample and class.
SECONDS_OF_A_SCORE, SECONDS_OF_A_PAIR = 1.3e-6, 6e-10
# Bytes of a row of a table of ensembles (20 members: 189 MB), of a pair in a table of pairs, and of figures and report.
BYTES_OF_AN_ENSEMBLE, BYTES_OF_A_PAIR, BYTES_OF_FIGURES = 90, 36, 5_000_000


def seconds_of_tables(study: dict[str, Any], contents: Contents) -> float:
    """Processor time in seconds of all jobs of a resolved study that follow training and inference."""
    members, settings = len(study["members"]), study["ensembles"]
    samples, classes = sum(contents.samples.values()), len(contents.classes) or 1
    seconds = SECONDS_OF_A_JOB * _jobs(len(contents.samples), len(study["measures"]))
    scores = samples * classes * members
    seconds += scores * SECONDS_OF_A_SCORE + scores * members / 2 * SECONDS_OF_A_PAIR * len(study["measures"])
    if is_exhaustive(members, settings["sizes"]):
        on_each = evaluated_ensembles(members, settings["sizes"], settings["per_size"]) * SECONDS_OF_AN_ENSEMBLE
        seconds += on_each * (len(contents.samples) + samples / SAMPLES_AT_TWICE_THE_TIME)
    return seconds


def _jobs(sets: int, measures: int) -> int:
    """About how many jobs come after inference: for all sets together, for each set, and for each set and measure."""
    return 23 + sets * (7 + measures) + (sets + 8 if sets > 1 else 0)


def tables_megabytes(study: dict[str, Any]) -> float:
    """Disk of tables, figures and report, in 10⁶ bytes."""
    members, settings, sets = len(study["members"]), study["ensembles"], len(study["datasets"]["validation"])
    ensembles = evaluated_ensembles(members, settings["sizes"], settings["per_size"]) * len(settings["consensus"])
    rows = ensembles * BYTES_OF_AN_ENSEMBLE + members**2 * len(study["measures"]) * BYTES_OF_A_PAIR
    return (sets * rows + BYTES_OF_FIGURES) / 1e6
