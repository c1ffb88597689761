"""Links to the files of the results lead to what is there."""

from pathlib import Path

from scripts.lib.report import data_files as module
from scripts.lib.report.data_files import address, data_files

STUDY = {"datasets": {"validation": [{"id": "clean"}, {"id": "fog"}]}, "measures": ["a", "b"]}


def made(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    return folder


def links(folder: Path, pattern: str) -> list[str]:
    return [link.text for entry in data_files({pattern: "content"}, folder, STUDY) for link in entry.links]


def test_a_file_of_each_set_and_measure_is_linked_if_it_is_there(tmp_path: Path) -> None:
    folder = made(tmp_path, "pairwise/clean/a.parquet", "pairwise/clean/b.parquet", "pairwise/fog/a.parquet", "x.json")
    found = links(folder, "pairwise/{dataset}/{measure}.parquet")
    assert found == ["pairwise/clean/a.parquet", "pairwise/clean/b.parquet", "pairwise/fog/a.parquet"]
    assert links(folder, "x.json") == ["x.json"]


def test_of_files_of_members_their_folder_is_linked(tmp_path: Path) -> None:
    folder = made(tmp_path, "predictions/clean/m.npy", "predictions/fog/m.npy", "checkpoints/m.json", "figures/f.png")
    assert links(folder, "predictions/{dataset}/{member}.npy") == ["predictions/clean/", "predictions/fog/"]
    assert links(folder, "checkpoints/{member}.safetensors") == ["checkpoints/"]
    assert links(folder, "figures/{name}.png, .pdf") == ["figures/"]
    assert links(folder, "benchmarks/{rule}/") == []


def test_an_entry_without_files_is_left_out(tmp_path: Path) -> None:
    assert data_files({"robustness.parquet": "…", "held_out/{dataset}.parquet": "…"}, tmp_path, STUDY) == []


def test_of_very_many_files_their_folder_is_linked(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(module, "MOST_LINKS", 1)
    folder = made(tmp_path, "ensembles/clean.parquet", "ensembles/fog.parquet")
    assert links(folder, "ensembles/{dataset}.parquet") == ["ensembles/"]


def test_an_address_is_encoded() -> None:
    assert address("a b/ü#?.npy") == "a%20b/%C3%BC%23%3F.npy"
