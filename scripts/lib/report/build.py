"""The report: one HTML file that opens offline, with what was found, every figure and every table of a study."""

import base64
import csv
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from jinja2 import Environment, FileSystemLoader

from scripts.lib.jobs.provenance import study_hash
from scripts.lib.jobs.storage import load_json, load_table, whole_file
from scripts.lib.jobs.versions import versions
from scripts.lib.report.captions import words_for
from scripts.lib.report.deployment import deployment_section
from scripts.lib.report.external_members import found_table, partial_table, reading_table
from scripts.lib.report.findings import Tables, findings
from scripts.lib.report.labels import (
    BEYOND_ACCURACY,
    WHAT_P_TESTS,
    consensus_title,
    improvement_title,
    in_words,
    missing,
    plain,
    probability,
    quantity,
    signed,
)
from scripts.lib.report.tables import Table

BEST_ENSEMBLES = 3
POINTS_AS_EXPECTED = 1.0


@dataclass(frozen=True)
class Picture:
    """A figure inside the file: its PNG as a data URI, its size in pixels, and its words."""

    name: str
    title: str
    caption: str
    alternative: str
    source: str
    width: int
    height: int


def build_report(folder: str | Path, figures: Sequence[str], output: str | Path) -> None:
    """Read the tables in `results/{study}` and the PNG files `figures`; write the report to `output`."""
    folder = Path(folder)
    study = load_json(folder / "study.json")
    tables = read_tables(folder, study)
    content = {
        "study": study,
        "findings": findings(tables),
        "pictures": [picture(Path(path)) for path in figures],
        "members": members_table(load_table(folder / "members.parquet")),
        "subnets": subnets_table(folder, study),
        "remarks": remarks_table(folder, study),
        "zoo": [table for table in (found_table(study), reading_table(folder, study), partial_table(study)) if table],
        "accuracies": accuracies_table(tables.accuracies),
        "expectations": list(expectations_table(study["members"], next(iter(tables.accuracies.values())))),
        "best_ensembles": list(best_ensembles(tables_of(folder, "best_ensembles", study), tables.members)),
        "deployment": deployment_section(folder, study),
        "correlations": list(correlation_tables(tables.correlations)),
        "what_p_tests": WHAT_P_TESTS,
        "beyond_accuracy": BEYOND_ACCURACY,
        "study_hash": study_hash(study),
        "study_file": yaml.safe_dump(study, sort_keys=False, allow_unicode=True, width=100),
        "software": software_table(folder, study),
        "durations": durations_table(folder / "benchmarks"),
        "files": FILES,
        "folder": f"results/{study['name']}",
    }
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
    with whole_file(output) as part:
        part.write_text(environment.get_template("report.html.jinja").render(content), encoding="utf-8")


def read_tables(folder: Path, study: Mapping[str, Any]) -> Tables:
    """The tables that the findings are computed from."""
    return Tables(
        members=[member["id"] for member in study["members"]],
        accuracies=tables_of(folder, "accuracies", study),
        ensembles=tables_of(folder, "ensembles", study),
        correlations=load_table(folder / "correlations.parquet"),
        consensus=study["ensembles"]["consensus"][0],
    )


def tables_of(folder: Path, name: str, study: Mapping[str, Any]) -> dict[str, pl.DataFrame]:
    """The tables `{name}/{dataset}.parquet` of all validation sets."""
    datasets = [dataset["id"] for dataset in study["datasets"]["validation"]]
    return {dataset: load_table(folder / name / f"{dataset}.parquet") for dataset in datasets}


def picture(path: Path) -> Picture:
    """Read a PNG file and find its words by its name."""
    content = path.read_bytes()
    width, height = struct.unpack(">II", content[16:24])  # the PNG header, so that the page keeps room for the picture
    title, caption, alternative = words_for(path.stem)
    source = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    return Picture(path.stem, title, caption, alternative, source, width, height)


def members_table(members: pl.DataFrame) -> Table:
    """Architecture, size and training of each member."""
    header = [
        "Member",
        "Kind",
        "Architecture",
        "Device",
        "Parameters (M)",
        "MACs (M)",
        "Latency (ms)",
        "Image (px)",
        "Images",
        "Epochs",
    ]
    rows = [
        [
            row["member"],
            row["kind"],
            row["architecture"] or "–",
            row["device"] or "–",
            _millions(row["parameters"]),
            _millions(row["macs"]),
            "–" if missing(row["latency_ms"]) else plain(row["latency_ms"], 1),
            _whole(row["image_size"]),
            _whole(row["training_images"]),
            _whole(row["epochs"]),
            _duration(row["seconds"]),
        ]
        for row in members.sort("position").iter_rows(named=True)
    ]
    return Table(
        "Members: size, cost (latency of one image on the CPU), and how they were trained",
        [*header, "Training"],
        rows,
        text_columns=4,
    )


def subnet_records(folder: Path, study: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What was recorded of each member that was cut out of a super-network."""
    members = [member["id"] for member in study["members"] if "supernet" in member]
    return {member: load_json(folder / "checkpoints" / f"{member}.json") for member in members}


def subnets_table(folder: Path, study: Mapping[str, Any]) -> Table | None:
    """Blocks, widths and size of each sub-network, the super-network's size in brackets."""
    rows = []
    for member, record in subnet_records(folder, study).items():
        network, details = record["member"]["architecture"], record["subnet"]
        small, whole = details["subnet"], details["supernet"]
        sizes = [f"{_millions(small[key])} ({_millions(whole[key])})" for key in ("parameters", "macs")]
        widths = "-".join(map(str, network["widths"]))
        latency = f"{plain(small['latency_ms'], 1)} ({plain(whole['latency_ms'], 1)})"
        blocks = "-".join(map(str, network["layers"]))
        rows.append([member, record["member"]["supernet"], blocks, str(network["stem"]), widths, *sizes, latency])
    header = ["Member", "Super-network", "Blocks", "Stem", "Widths", "Parameters (M)", "MACs (M)", "Latency (ms)"]
    caption = "Sub-networks (in brackets the super-network); latency of one image on the CPU"
    return Table(caption, header, rows, text_columns=3) if rows else None


def remarks_table(folder: Path, study: Mapping[str, Any]) -> Table | None:
    """What of a sub-network's notation has no counterpart, and what was repaired; one row a remark."""
    said: dict[str, list[str]] = {}
    for member, record in subnet_records(folder, study).items():
        for remark in record["subnet"]["remarks"]:
            said.setdefault(remark, []).append(member)
    rows = [[", ".join(members), remark] for remark, members in said.items()]
    return Table("Remarks on the sub-networks' notation", ["Members", "Remark"], rows, text_columns=2) if rows else None


def accuracies_table(accuracies: Mapping[str, pl.DataFrame]) -> Table:
    """One row a member, one column a dataset."""
    cells: dict[str, list[str]] = {}
    for table in accuracies.values():
        for row in table.sort("position").iter_rows(named=True):
            text = f"{plain(row['accuracy'], 1)} ({plain(row['low'], 1)}–{plain(row['high'], 1)})"
            cells.setdefault(row["member"], []).append(text)
    rows = [[member, *texts] for member, texts in cells.items()]
    caption = "Top-1 accuracy of each member in % (95 % interval)"
    return Table(caption, ["Member", *map(in_words, accuracies)], rows)


def expectations_table(members: Sequence[Mapping[str, Any]], clean: pl.DataFrame) -> Iterable[Table]:
    """Members whose accuracy on the first dataset is more than a point away from what the study expects."""
    reached = dict(zip(clean["member"], clean["accuracy"], strict=True))
    expected = {member["id"]: member["expected_top1"] for member in members if "expected_top1" in member}
    differences = {name: reached[name] - value for name, value in expected.items()}
    rows = [
        [name, plain(reached[name], 1), plain(expected[name], 1), signed(difference, 1)]
        for name, difference in differences.items()
        if abs(difference) > POINTS_AS_EXPECTED
    ]
    if rows:
        header = ["Member", "Reached (%)", "Expected (%)", "Difference (points)"]
        yield Table("Members that differ by more than a point from the top-1 accuracy expected of them", header, rows)


def best_ensembles(tables: Mapping[str, pl.DataFrame], members: Sequence[str]) -> Iterable[Table]:
    """The most accurate ensembles of each dataset, of different sizes; among equals the smaller ones come first."""
    header = ["Dataset", "Members", "Size", "Accuracy (%)", "Over mean member", "Over own best member", "Found among"]
    for way in sorted({name for table in tables.values() for name in table["consensus"]}):
        rows = []
        for dataset, table in tables.items():
            chosen = table.filter(pl.col("size") > 1, consensus=way)
            best = chosen.sort("accuracy", "size", descending=[True, False], maintain_order=True).head(BEST_ENSEMBLES)
            rows += [[in_words(dataset), *_ensemble(row, members)] for row in best.iter_rows(named=True)]
        caption = f"Best ensembles of different sizes by {consensus_title(way)} (improvements in points)"
        yield Table(caption, header, rows, text_columns=2)


FOUND = {"all": "all ensembles", "sampled": "drawn ensembles", "greedy": "greedy selection"}


def _ensemble(row: Mapping[str, Any], members: Sequence[str]) -> list[str]:
    names = ", ".join(members[position] for position in row["members"])
    gains = [signed(row["accuracy"] - row[f"{what}_member_accuracy"], 1) for what in ("mean", "best")]
    return [names, str(row["size"]), plain(row["accuracy"], 1), *gains, FOUND[row["found"]]]


def correlation_tables(correlations: pl.DataFrame) -> Iterable[Table]:
    """All correlations over all sizes: one table for each consensus and improvement."""
    header = ["Dataset", "Measure", "Pearson r", "95 % interval", "Partial r", "p", "q", "Spearman ρ", "Ensembles"]
    whole = correlations.filter(size="all")
    for (way, improvement), table in whole.group_by("consensus", "improvement", maintain_order=True):
        rows = [_correlation(row) for row in table.iter_rows(named=True)]
        caption = f"{improvement_title(str(improvement))}, ensembles by {consensus_title(str(way))}"
        yield Table(caption, header, rows, text_columns=2)


def _correlation(row: Mapping[str, Any]) -> list[str]:
    has_interval = not (missing(row["ci_low"]) or missing(row["ci_high"]))
    return [
        in_words(row["dataset"]),
        quantity(row["measure"]).title,
        signed(row["pearson"]),
        f"{plain(row['ci_low'])} to {plain(row['ci_high'])}" if has_interval else "–",
        signed(row["partial_pearson"]),
        *(_probability(row[column]) for column in ("p_value", "q_value")),
        signed(row["spearman"]),
        _whole(row["ensembles"]),
    ]


def software_table(folder: Path, study: Mapping[str, Any]) -> Table:
    """Versions now, and those that the members were trained with where they were others."""
    trained: dict[str, set[str]] = {}
    for member in study["members"]:
        path = folder / "checkpoints" / f"{member['id']}.json"
        for name, version in (load_json(path).get("versions", {}) if path.exists() else {}).items():
            trained.setdefault(name, set()).add(str(version))
    now = versions()
    names = [*now, *(name for name in trained if name not in now)]
    rows = [[name, now.get(name, "–"), ", ".join(sorted(trained.get(name, {"–"})))] for name in names]
    return Table("Software", ["Part", "This report", "Training"], rows, text_columns=3)


def durations_table(benchmarks: Path) -> Table:
    """Seconds and memory of each rule, summed over its jobs, from Snakemake's benchmark files."""
    rules: dict[str, list[tuple[float, float]]] = {}
    for path in sorted(benchmarks.rglob("*.tsv")):
        rule = path.relative_to(benchmarks).parts[0].removesuffix(".tsv")
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file, delimiter="\t"))
        rules.setdefault(rule, []).extend((_number(line.get("s")), _number(line.get("max_rss"))) for line in lines)
    spent = {rule: sum(seconds for seconds, _ in jobs) for rule, jobs in rules.items()}
    rows = [
        [
            in_words(rule),
            str(len(rules[rule])),
            _duration(spent[rule]),
            _duration(max(seconds for seconds, _ in rules[rule])),
            plain(max(memory for _, memory in rules[rule]), 0),
        ]
        for rule in sorted(filter(rules.get, rules), key=lambda rule: -spent[rule])
    ]
    rows.append(["All", str(sum(map(len, rules.values()))), _duration(sum(spent.values())), "", ""])
    caption = "Time and memory of each stage (jobs run side by side, so the wall-clock time is shorter)"
    return Table(caption, ["Stage", "Jobs", "Time of all jobs", "Longest job", "Peak memory (MB)"], rows)


FILES = {
    "study.json": "the complete study: defaults filled in, recipes merged",
    "members.parquet": "the members: parameters, multiply-accumulate operations, recipe, time",
    "accuracies/{dataset}.parquet": "each member's accuracy with its interval",
    "predictions/{dataset}/{member}.npy": "logits, one row a sample, in the order of samples/{dataset}.txt",
    "attributions/{dataset}/{member}.npy": "where a member looks, one map a sample",
    "activations/{dataset}/{member}.npy": "what a member represents, the input of its classifier head",
    "pairwise/{dataset}/{measure}.parquet": "how different every two members are",
    "ensembles/{dataset}.parquet": "every ensemble: accuracy, improvements, mean diversities",
    "best_ensembles/{dataset}.parquet": "the best ensemble found of every size",
    "deployment/{dataset}.parquet": "ensembles chosen on a part of the samples and judged on the rest, with their cost",
    "contributions/{dataset}.parquet": "what each member contributes: leave-one-out and Shapley value",
    "deployment.json": "both, for programs",
    "correlations.parquet": "all correlations, also for each ensemble size",
    "checkpoints/{member}.safetensors": "weights; the .json beside them holds recipe and history",
    "supernets/{supernet}.stages.parquet": "a super-network's smallest and largest sub-network after each epoch",
    "supernets/{supernet}.search.parquet": "the sub-networks that a search saw",
    "figures/{name}.png, .pdf": "the figures of this page",
    "benchmarks/{rule}/": "time and memory of every job",
}


def _millions(value: float | None) -> str:
    if value is None or missing(value):
        return "–"
    return plain(value / 1e6, 2 if value < 1e7 else 1)


def _whole(value: float | None) -> str:
    return "–" if missing(value) else f"{value:,.0f}".replace(",", "\u202f")


def _duration(seconds: float | None) -> str:
    if seconds is None or missing(seconds):
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _probability(value: float | None) -> str:
    return "–" if value is None or missing(value) else probability("", value).removeprefix(" = ").strip()


def _number(text: str | None) -> float:
    """A number of a benchmark file; Snakemake writes `NA` or `-` for a job that ended before it was measured."""
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
