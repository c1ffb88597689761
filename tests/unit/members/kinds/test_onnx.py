"""Which files an ONNX member consists of."""

from pathlib import Path

from scripts.lib.members.spec import MEMBER_KINDS


def test_files_beside_the_model_that_may_hold_its_weights_belong_to_it(tmp_path: Path) -> None:
    for name in ("net[1].onnx", "net[1].onnx.data", "net[1]_weights", "net1.onnx", "net[1]{x}"):
        (tmp_path / name).write_text("x")
    (tmp_path / "net[1]-folder").mkdir()
    member = {"file": f"{tmp_path}/./net[1].onnx"}
    found = MEMBER_KINDS["onnx"].further_files(member)
    assert found == [str(tmp_path / "net[1].onnx.data"), str(tmp_path / "net[1]_weights")]
