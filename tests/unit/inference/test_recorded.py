"""Which recorded file belongs to which member, from the inputs that a rule declares."""

from scripts.lib.inference.recorded import RecordedFiles

OF_SET = {"labels": "labels/a.npy", "samples": "samples/a.txt", "set_record": "samples/a.json", "classes": "c.json"}


def test_files_come_in_the_order_of_the_members_from_their_own_path_or_from_the_folder() -> None:
    inputs = {
        "records": ["predictions/a/x.1.json", "predictions/a/y.json"],
        "arrays": ["attributions/a/x.1.npy", "attributions/a/y.npy"],
        "imported": "imported/predictions/a",
        "weights": "not of these",
    }
    files = RecordedFiles.declared("a", ["y", "z", "x.1"], inputs | OF_SET)
    folder = "imported/predictions/a"
    assert files.records == ["predictions/a/y.json", f"{folder}/z.json", "predictions/a/x.1.json"]
    assert files.arrays == ["attributions/a/y.npy", f"{folder}/z.npy", "attributions/a/x.1.npy"]
    assert (files.dataset, files.members, files.classes) == ("a", ["y", "z", "x.1"], "c.json")
