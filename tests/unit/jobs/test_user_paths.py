"""Paths that a study names."""

import os
import socket
from pathlib import Path

import pytest
from snakemake.io import WILDCARD_REGEX
from snakemake.pathvars import PATHVAR_REGEX

from scripts.lib.jobs import user_paths
from scripts.lib.jobs.user_paths import REPLACED, fault_of_file, fault_of_path, location


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_can_be_read_has_no_fault(tmp_path: Path) -> None:
    Path("a").write_text("x")
    Path("link").symlink_to("a")
    assert [fault_of_file(path) for path in ("a", "link", str(tmp_path / "a"), "./a")] == [""] * 4


def test_what_is_no_file_is_called_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("folder").mkdir()
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    Path("dangling").symlink_to("gone")
    Path("loop").symlink_to("loop")
    Path("file").write_text("x")
    faults = {
        "folder": "is a folder, not a file",
        "pipe": "is a pipe, not a file",
        "socket": "is a socket, not a file",
        "/dev/null": "is a device, not a file",
        "dangling": "is a link to gone, which does not exist",
        "loop": "is a link that leads back to itself",
        "gone": "does not exist",
        "file/below": "does not exist",
        "a\0b": "does not exist",
        "~nobody-of-this-name/x": "does not exist",
        "x" * 300: "cannot be accessed (File name too long)",
    }
    assert {path: fault_of_file(path) for path in faults} == faults
    monkeypatch.setattr(user_paths.os, "access", lambda path, mode: False)
    assert fault_of_file("file") == "may not be read (its permissions do not allow it)"


def test_a_path_is_opened_where_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert [location(path) for path in ("~/a", "./a//b", "a/", "/x")] == ["/home/me/a", "a/b", "a", "/x"]


REPLACED_PATHS = [
    "a{x}b",
    "{ x }",
    "{x,\\d+}",
    "{w,a{3,5}}/b",
    "{{x}}",
    "<x>/a",
    "a<results>b",
    "{x.y}",
    "{ä}",
    "{1}",
    "{x,{y}",
]
KEPT_PATHS = ["a{b", "a}b", "{}", "{a-b}", "<X>", "a<b", "<1>", "[x]", "a b", "$HOME"]


@pytest.mark.parametrize("path", [*REPLACED_PATHS, *KEPT_PATHS])
def test_a_path_is_refused_exactly_where_snakemake_would_replace_a_part_of_it(path: str) -> None:
    replaced = bool(WILDCARD_REGEX.search(path) or PATHVAR_REGEX.search(path))
    assert bool(fault_of_path(path)) == bool(REPLACED.search(path)) == replaced == (path in REPLACED_PATHS)


def test_a_path_that_is_not_utf_8_is_refused() -> None:
    assert "not UTF-8" in fault_of_path(os.fsdecode(b"caf\xe9.npy"))
