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
from scripts.lib.report.external_members import found_table, partial_table, reading_table
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

FILES = {
    "study.json": "the complete study: defaults filled in, recipes merged",
    "members.parquet": "the members: parameters, multiply-accumulate operations, recipe, time",
    "accuracies/{dataset}.parquet": "the accuracy of each member with its interval; its proper scores and calibration",
    "predictions/{dataset}/{member}.npy": "logits, one row per sample, in the order of samples/{dataset}.txt",
    "attributions/{dataset}/{member}.npy": "where a member looks: one attribution map per sample",
    "activations/{dataset}/{member}.npy": "what a member represents: the input of its classifier head",
    "pairwise/{dataset}/{measure}.parquet": "pairwise table: how different every pair of members is",
    "member_pairs/{dataset}.parquet": "which member of each pair is right (.json: samples that tell them apart)",
    "ensembles/{dataset}.parquet": "every evaluated ensemble: accuracy, proper scores, improvements, diversities",
    "halves/{dataset}.parquet": "correct answers of every ensemble on the even and on the odd samples",
    "image_groups/{dataset}/": "some ensembles and all pairs in groups of images, for intervals over images",
    "best_ensembles/{dataset}.parquet": "the best ensemble that was found for each size",
    "deployment/{dataset}.parquet": "ensembles chosen on the selection split, with their held-out accuracy and cost",
    "contributions/{dataset}.parquet": "what each member contributes: leave-one-out and Shapley value",
    "temperatures.parquet": "temperatures of members and chosen ensembles, fitted on the clean selection split",
    "calibration/{dataset}.parquet": "scores of members and chosen ensembles on the evaluation split, scaled or not",
    "calibration_curves/{dataset}.parquet": "accuracy in bins of confidence, for the same rows",
    "choices.parquet": "weights by greedy selection, stacking or within a budget, on each selection split",
    "choices_held_out.parquet": "what the choices on the clean set are worth on every evaluation split",
    "deployment.json": "all of this for programs; scripts.lib.predict applies it",
    "held_out/{dataset}.parquet": "ensembles chosen on the clean set on each evaluation split; their regret",
    "robustness.parquet": "members and chosen ensembles under shift: change, relative and effective robustness",
    "robustness_lines.parquet": "the lines of the members, to which effective robustness refers",
    "robustness_over_sets.parquet": "the mean and the worst over the shifted sets",
    "robustness_by_size.parquet": "all ensembles under shift, summarised by size",
    "effects_from_clean.parquet": "the effect of the diversity on the clean set on the accuracy under shift",
    "predictors.parquet": "what of diversity and accuracy on the clean set foretells the gain under shift",
    "effects.parquet": "the effect of each diversity beyond the members' accuracy and confidence",
    "effect_differences.parquet": "by how much the effects of two measures differ",
    "verdicts.parquet": "what the study says of the paper's observations, with all numbers",
    "variance_shares.parquet": "how the variance of accuracy over ensembles divides among size, accuracies, diversity",
    "correlations.parquet": "all plain correlations, also for each ensemble size",
    "checkpoints/{member}.safetensors": "weights; the .json file of the same name has recipe and history",
    "groups/{group}/{member}.safetensors": "weights of members trained together; recipe and history beside it",
    "groups/{group}.json": "the training of a group: history, terms of the loss on training and held-out images",
    "group_results/{dataset}.parquet": "accuracy and diversity of each group",
    "ways.parquet": "the same for each way of training: means over seeds, with intervals",
    "supernets/{supernet}.stages.parquet": "the smallest and largest sub-network of a super-network after each epoch",
    "supernets/{supernet}.search.parquet": "the sub-networks that a search evaluated",
    "csv/": "the tables of this page as text, for spreadsheets: all columns, unrounded",
    "figures/{name}.png, .pdf": "the figures of this page",
    "benchmarks/{rule}/": "time and memory of every job",
}


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
    )


def tables_of(folder: Path, name: str, study: Mapping[str, Any]) -> dict[str, pl.DataFrame]:
    """The tables `{name}/{dataset}.parquet` of all validation sets."""
    datasets = [dataset["id"] for dataset in study["datasets"]["validation"]]
    return {dataset: load_table(folder / name / f"{dataset}.parquet") for dataset in datasets}
