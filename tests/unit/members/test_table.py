"""The table of members."""

from scripts.lib.members.table import SCHEMA, members_table
from scripts.lib.networks.architectures import build
from scripts.lib.networks.cost import count_parameters
from tests.unit.conftest import small_member


def test_the_table_of_members_has_a_row_a_member_in_the_order_of_the_study() -> None:
    members = [small_member("b"), small_member("a", epochs=3)]
    records = {
        m["id"]: {"member": m, "classes": ["x", "y"], "training_images": 5 + i, "seconds": 1.5, "device": "CPU"}
        for i, m in enumerate(members)
    }
    given = {"id": "c", "kind": "predictions", "macs": 7}
    members[1]["family"] = "transformer"
    table = members_table([*members, given], records)
    assert table["family"].to_list() == ["deit", "transformer", None]
    assert dict(table.schema) == SCHEMA
    assert table["position"].to_list() == [0, 1, 2]
    assert table["member"].to_list() == ["b", "a", "c"]
    assert table["epochs"].to_list() == [1, 3, None]
    assert table["training_images"].to_list() == [5, 6, None]
    assert table["macs"][2] == 7
    assert table["latency_ms"][0] > 0
    assert table["latency_ms"][2] is None
    assert table["parameters"][0] == count_parameters(build(members[0], 2).model)
    assert table["macs"].min() > 0
