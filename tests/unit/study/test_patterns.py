"""What the pattern of a zoo matches, and the names of members that follow from it."""

import glob
from pathlib import Path

import pytest

from scripts.lib.study.members_from_files import expand
from scripts.lib.study.patterns import matches
from tests.unit.study.test_members_from_files import SETS, ids, reasons, touch


def test_links_to_a_folder_around_them_are_not_followed_without_end(tmp_path: Path) -> None:
    """Two of these, followed to the limit of the operating system, would be 2^40 paths."""
    touch(tmp_path / "zoo/a.npy", tmp_path / "zoo/one/b.npy", tmp_path / "elsewhere/c.npy")
    for name, target in [("self", "."), ("up", ".."), ("one/back", ".."), ("other", "../elsewhere")]:
        (tmp_path / "zoo" / name).symlink_to(target)
    (tmp_path / "elsewhere/zoo").symlink_to("../zoo")
    members, found = expand([{"from": f"{tmp_path}/zoo/**/*.npy"}], ["clean"])
    assert ids(members) == ["a", "one-b", "other-c"]
    unfollowed = "is a link to a folder that contains it and is not followed"
    links = ("self", "up", "one/back", "other/zoo")
    assert reasons(found) == {f"{tmp_path}/zoo/{name}": unfollowed for name in links}


PATTERNS = ["*", "**", "**/*", "**/*.npy", "*/**/*.npy", "one/**", "**/one/*", "**/**/a.npy", "[!o]*/*", "o?e/[ab].npy"]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("absolute", [True, False])
def test_a_pattern_matches_the_files_that_glob_finds(
    pattern: str, absolute: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = "a.npy one/a.npy one/b.npy one/two/c.npy other/one/d.npy .hidden/e.npy one/.f.npy [x]/g"
    touch(*(tmp_path / name for name in names.split()))
    (tmp_path / "link").symlink_to("one")
    monkeypatch.chdir(tmp_path)
    pattern = f"{tmp_path}/{pattern}" if absolute else pattern
    expected = [path for path in sorted(set(glob.glob(pattern, recursive=True))) if Path(path).is_file()]
    assert expected
    assert [path for path, _ in matches(pattern) if Path(path).is_file()] == expected


def test_a_choice_of_characters_is_kept_where_the_set_stands(tmp_path: Path) -> None:
    touch(*(tmp_path / dataset / name for dataset in SETS for name in ("]1.npy", "a2.npy", "\\3.npy", "^4.npy")))
    choices = {"[]a]": ["]1", "a2"], "[!]a]": ["\\3", "^4"], "[a\\]": ["\\3", "a2"], "[^a]": ["^4", "a2"]}
    for choice, names in choices.items():
        members, _ = expand([{"from": f"{tmp_path}/{{dataset}}/{choice}*.npy"}], SETS)
        assert [member["file"] for member in members] == [f"{tmp_path}/{{dataset}}/{name}.npy" for name in names]
