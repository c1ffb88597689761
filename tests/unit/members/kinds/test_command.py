"""Which files a command consists of."""

from pathlib import Path

import pytest

from scripts.lib.members.spec import MEMBER_KINDS


def test_files_that_the_command_names_belong_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("python", "predict.py", "run.sh"):
        Path(name).write_text("x")
    further_files = MEMBER_KINDS["command"].further_files
    # A program without a slash is looked up in PATH, even where a file of this name lies here.
    assert further_files({"command": ["python", "./predict.py", "--fast", "{images}", "{output}"]}) == ["predict.py"]
    assert further_files({"command": ["./run.sh", "{images}", "{output}"]}) == ["run.sh"]
