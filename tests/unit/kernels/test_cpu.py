"""Where compiled code is kept, and when it is used."""

from pathlib import Path

import pytest
import torch

from kernels.cpu import AVAILABLE, machine_code_folder, similar_calls, worthwhile


def test_machine_code_is_that_of_all_sources_as_they_are(tmp_path: Path) -> None:
    def folder(text: str, where: str = "") -> str:
        (tmp_path / "one.py").write_text(text)
        machine_code_folder.cache_clear()
        return machine_code_folder(where, tmp_path)

    first = folder("a")
    assert Path(first).parent == tmp_path / "__pycache__"
    assert folder("b") != first
    assert folder("a") == first
    assert Path(folder("a", "/elsewhere")).parent == Path("/elsewhere")
    assert folder("a", first) == first  # it is set once for every function


def test_machine_code_goes_to_the_users_cache_where_the_sources_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in the place of the folder, because permissions do not stop root."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "__pycache__").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for stated, expected in ((tmp_path / "cache", tmp_path / "cache"), ("relative", tmp_path / "home" / ".cache")):
        monkeypatch.setenv("XDG_CACHE_HOME", str(stated))
        machine_code_folder.cache_clear()
        found = Path(machine_code_folder("", tmp_path / "site"))
        assert found.parent == expected / "ensemble-diversity-kernels"
        assert found.is_dir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "site" / "__pycache__" / "below"))
    machine_code_folder.cache_clear()
    assert machine_code_folder("", tmp_path / "site") == ""


@pytest.mark.skipif(not AVAILABLE, reason="numba is not installed")
def test_compiled_code_can_be_worthwhile_for_many_small_calls_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernels.cpu.LEAST_OPERATIONS", 1000)
    data, small = torch.zeros(1), 100
    assert not worthwhile(data, small)
    with similar_calls(20):
        assert worthwhile(data, small)
        assert not worthwhile(data, small // 10)
        with similar_calls(0):
            assert not worthwhile(data, small)
        assert worthwhile(data, small)
    assert not worthwhile(data, small)
    with pytest.raises(ZeroDivisionError), similar_calls(20):
        _ = 1 / 0
    assert not worthwhile(data, small)
