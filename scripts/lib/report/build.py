"""The report: one HTML file that opens offline, with the findings, every figure and every table of a study."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from jinja2 import Environment, FileSystemLoader

from scripts.lib.jobs.paths import ROOT
from scripts.lib.jobs.provenance import study_hash
from scripts.lib.jobs.storage import load_json, load_table, whole_file
from scripts.lib.report.abstract import abstract
from scripts.lib.report.calibration_tables import calibration_tables, temperatures_table
from scripts.lib.report.data_files import data_files
from scripts.lib.report.deployment import deployment_section
from scripts.lib.report.embedded_pictures import embedded
from scripts.lib.report.ensemble_tables import (
    best_ensembles,
    correlation_tables,
    difference_tables,
    effect_tables,
    effect_tables_from_clean,
)
from scripts.lib.report.explorer.block import explorer_block
from scripts.lib.report.external_members import doubts, found_table, partial_table, reading_table
from scripts.lib.report.files import FILES
from scripts.lib.report.findings import COLUMNS, COLUMNS_OF_FIRST, Tables, titled_findings
from scripts.lib.report.findings_scores import one_hot_members
from scripts.lib.report.labels import (
    HOW_EFFECTS_ARE_TESTED,
    PLAIN_CORRELATIONS,
    WHAT_DIFFERENCES_ARE,
    WHAT_EFFECTIVE_ROBUSTNESS_IS,
    WHAT_EFFECTS_ARE,
    WHAT_EFFECTS_FROM_CLEAN_ARE,
    WHAT_IS_SCALED,
    WHAT_P_TESTS,
    WHAT_PREDICTORS_ARE,
    WHAT_REGRET_IS,
    WHAT_SHARES_ARE,
)
from scripts.lib.report.member_tables import (
    accuracies_table,
    expectations_table,
    remarks_table,
    scores_tables,
    subnets_table,
    table_of_members,
)
from scripts.lib.report.page import as_data, page_parts
from scripts.lib.report.predictors import predictor_tables
from scripts.lib.report.run_tables import durations_table, software_table
from scripts.lib.report.shift import read_shift, shift_tables
from scripts.lib.report.variance_tables import variance_tables
from scripts.lib.report.verdicts import verdict_texts
from scripts.lib.report.ways import ways_section


def build_report(folder: str | Path, figures: Mapping[str, Mapping[str, str]], output: str | Path) -> None:
    """Read the tables in `results/{study}` and the PNG files `figures`; write the report to `output`.

    `figures` has for each PNG file, in the report's order, its texts: one entry of `figure.captioned_pictures`.
    """
    folder = Path(folder)
    study = load_json(folder / "study.json")
    tables, consensus = read_tables(folder, study), study["ensembles"]["consensus"]
    content = {
        "study": study,
        "page": page_parts(ROOT / "report/page"),
        "explorer": as_data(explorer_block(folder, study)),
        "abstract": abstract(tables),
        "findings": titled_findings(tables),
        "verdicts": verdict_texts(load_table(folder / "verdicts.parquet")),
        "pictures": [embedded(Path(path), words) for path, words in figures.items()],
        "members": table_of_members(load_table(folder / "members.parquet")),
        "subnets": subnets_table(folder, study),
        "remarks": remarks_table(folder, study),
        "zoo": [table for table in (found_table(study), reading_table(folder, study), partial_table(study)) if table],
        "accuracies": accuracies_table(tables.accuracies),
        "scores": list(scores_tables(tables.accuracies)),
        "temperatures": temperatures_table(tables.temperatures, tables.members, tables.first),
        "calibration": list(calibration_tables(tables.calibration, tables.members)),
        "what_is_scaled": WHAT_IS_SCALED,
        "one_hot_members": one_hot_members(tables.accuracies),
        "expectations": list(expectations_table(study["members"], next(iter(tables.accuracies.values())))),
        "best_ensembles": list(best_ensembles(tables_of(folder, "best_ensembles", study), tables.members)),
        "deployment": deployment_section(folder, study),
        "ways": ways_section(folder, study),
        "shift": list(shift_tables(tables.shift, tables.members, consensus)) if tables.shift else [],
        "effects": list(effect_tables(tables.effects)),
        "differences": list(difference_tables(tables.differences)),
        "effects_from_clean": list(effect_tables_from_clean(tables.shift.effects)) if tables.shift else [],
        "what_effects_from_clean_are": WHAT_EFFECTS_FROM_CLEAN_ARE,
        "predictors": list(predictor_tables(tables.shift.predictors, consensus)) if tables.shift else [],
        "what_predictors_are": WHAT_PREDICTORS_ARE,
        "what_regret_is": WHAT_REGRET_IS,
        "what_effective_robustness_is": WHAT_EFFECTIVE_ROBUSTNESS_IS,
        "what_effects_are": WHAT_EFFECTS_ARE,
        "how_effects_are_tested": HOW_EFFECTS_ARE_TESTED,
        "what_differences_are": WHAT_DIFFERENCES_ARE,
        "variance": list(variance_tables(tables.variance_shares)),
        "what_shares_are": WHAT_SHARES_ARE,
        "correlations": list(correlation_tables(tables.correlations)),
        "plain_correlations": PLAIN_CORRELATIONS,
        "what_p_tests": WHAT_P_TESTS,
        "study_hash": study_hash(study),
        "study_file": yaml.safe_dump(study, sort_keys=False, allow_unicode=True, width=100),
        "software": software_table(folder, study),
        "durations": durations_table(folder / "benchmarks"),
        "files": data_files(FILES, folder, study),
        "folder": f"results/{study['name']}",
    }
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
    with whole_file(output) as part:
        part.write_text(environment.get_template("report.html.jinja").render(content), encoding="utf-8")


def read_tables(folder: Path, study: Mapping[str, Any]) -> Tables:
    """The tables that the findings are computed from."""
    consensus, accuracies = study["ensembles"]["consensus"][0], tables_of(folder, "accuracies", study)
    ensembles: dict[str, pl.DataFrame] = {}
    for dataset in accuracies:
        columns = COLUMNS if ensembles else COLUMNS_OF_FIRST
        table = load_table(folder / "ensembles" / f"{dataset}.parquet", columns)
        ensembles[dataset] = table.filter(consensus=consensus)
    return Tables(
        members=[member["id"] for member in study["members"]],
        accuracies=accuracies,
        ensembles=ensembles,
        effects=load_table(folder / "effects.parquet"),
        differences=load_table(folder / "effect_differences.parquet"),
        variance_shares=load_table(folder / "variance_shares.parquet"),
        correlations=load_table(folder / "correlations.parquet"),
        temperatures=load_table(folder / "temperatures.parquet"),
        calibration=tables_of(folder, "calibration", study),
        consensus=consensus,
        shift=read_shift(folder, list(accuracies)),
        doubts=doubts(folder, study),
    )


def tables_of(folder: Path, name: str, study: Mapping[str, Any]) -> dict[str, pl.DataFrame]:
    """The tables `{name}/{dataset}.parquet` of all validation sets."""
    datasets = [dataset["id"] for dataset in study["datasets"]["validation"]]
    return {dataset: load_table(folder / name / f"{dataset}.parquet") for dataset in datasets}
