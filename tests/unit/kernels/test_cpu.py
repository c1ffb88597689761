"""Where compiled code is kept."""

from pathlib import Path

from kernels.cpu import machine_code_folder


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
