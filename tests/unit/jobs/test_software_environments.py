"""Options that need a program which is not there say what to do."""

from pathlib import Path

import pytest

from scripts.lib.jobs.software_environments import missing_program


@pytest.mark.parametrize(("methods", "wanted"), [(["conda"], "Miniforge"), (["apptainer", "conda"], "Apptainer")])
def test_a_missing_program_is_named_with_the_way_out(
    methods: list[str], wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert wanted in str(missing_program(methods))
    assert "make setup" in str(missing_program(methods))
    for name in ("conda", "apptainer"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    assert missing_program(methods) is None


def test_no_program_is_needed_for_an_environment_that_is_active() -> None:
    assert missing_program([]) is None
