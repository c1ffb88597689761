"""The workflow as a module of another one, with a prefix for its files and a study of its own."""

import subprocess
from pathlib import Path

from tests.workflow.conftest import ROOT, TEST_STUDY, environment, snakemake_command

OUTER = f"""
import yaml

with open({str(TEST_STUDY)!r}) as file:
    study = yaml.safe_load(file)


module diversity:
    snakefile: {str(ROOT / "Snakefile")!r}
    config: study
    prefix: "inner"


use rule * from diversity as inner_*


rule everything:
    default_target: True
    input: "inner/results/test/report.html"
"""


def test_rules_of_a_module_are_planned_and_run(tmp_path: Path) -> None:
    outer = tmp_path / "Snakefile"
    outer.write_text(OUTER, encoding="utf-8")
    command = snakemake_command(tmp_path)
    command[command.index("--snakefile") + 1] = str(outer)
    place = command.index("--configfile")
    del command[place : place + 2]

    def run(*arguments: str) -> str:
        result = subprocess.run([*command, *arguments], text=True, capture_output=True, env=environment())
        assert result.returncode == 0, result.stderr
        return result.stdout + result.stderr

    said = run("--dry-run")
    assert all(
        f"inner_{rule}" in said for rule in ("train", "infer", "pairwise", "ensembles", "plot_pairwise", "report")
    )
    run("inner/results/test/images/clean.npy")
    assert (tmp_path / "inner/results/test/images/clean.npy").exists()
    assert not (tmp_path / "results").exists()
