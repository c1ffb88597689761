"""Files with class names that the answer of a study needs."""

from scripts.lib.members.stated_outputs import class_lists


def test_lists_of_classes_of_members_that_state_their_outputs() -> None:
    """Weights are put into the study's order where they are read."""
    members = [
        {"kind": "predictions", "values": "auto", "classes": "c.json"},
        {"kind": "onnx", "values": "auto", "classes": "c.json"},
        {"kind": "command", "values": "auto", "classes": ["a", "b"]},
        {"kind": "timm", "classes": "other.json"},
    ]
    assert class_lists(members) == ["c.json"]
