"""The SLURM profile's groups: jobs that become one SLURM job may not wait for a job outside that waits for them."""

import re
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml

from tests.workflow.conftest import ROOT, environment, snakemake_command

PROFILE = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text(encoding="utf-8"))
GROUPS = dict(entry.split("=") for entry in PROFILE["groups"])
# The rules of the figures come from a loop, which names their group.
[GROUP_OF_FIGURES] = re.findall(r"^ *group:\n *\"(\w+)\"", (ROOT / "rules" / "figures.smk").read_text(), re.MULTILINE)


def rule_graph(folder: Path, shards: int) -> dict[str, set[str]]:
    """For each rule of the built-in study the rules that it waits for."""
    study = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")) | {"shards": shards}
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study), encoding="utf-8")
    command = snakemake_command(folder, "--rulegraph", "--quiet", "all", study=path)
    dot = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stdout
    names = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)"', dot, re.MULTILINE))
    graph: dict[str, set[str]] = {name: set() for name in names.values()}
    for first, then in re.findall(r"(\d+) -> (\d+)", dot):
        graph[names[then]].add(names[first])
    return graph


@pytest.mark.parametrize("shards", [1, 2])
def test_no_group_waits_for_itself(shards: int, tmp_path: Path) -> None:
    graph = rule_graph(tmp_path, shards)
    assert len(graph) > 20
    groups = GROUPS | {rule: GROUP_OF_FIGURES for rule in graph if rule.startswith("plot_")}
    assert sum(rule.startswith("plot_") for rule in graph) > 5
    grouped: dict[str, set[str]] = {}
    for rule, before in graph.items():
        group = groups.get(rule, rule)
        grouped.setdefault(group, set()).update({groups.get(name, name) for name in before} - {group})
    assert list(TopologicalSorter(grouped).static_order())


def test_groups_are_of_rules_that_exist() -> None:
    rules = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "rules").glob("*.smk"))
    assert set(GROUPS) <= set(re.findall(r"^\s*rule (\w+):", rules, re.MULTILINE))
    assert {entry.split("=")[0] for entry in PROFILE["group-components"]} <= {*GROUPS.values(), GROUP_OF_FIGURES}
