"""A network that is trained together with the other members of its group: rule `train_group`."""

from collections.abc import Iterator

from scripts.lib.members.contradictions import contradictions_of_training
from scripts.lib.members.kinds.supervised import TRAINED_ON_LABELS
from scripts.lib.members.spec import Entry, MemberKind

SCHEMA = (
    TRAINED_ON_LABELS.replace(
        "description: A classifier that is trained on the labels.",
        "description: >-\n  A classifier that is trained together with the other members of its group. Do not write "
        "such members yourself:\n  they are made from the entries of `groups`, whose keys `epochs`, `batch_size`, "
        "`training_images` and `seed` count for all.",
    )
    + """
  group:
    description: Id of the group; filled in when the study is read.
    type: string
"""
)


def contradictions(member: Entry, study: Entry) -> Iterator[str]:
    """A member that its group does not have, and the contradictions of any training."""
    groups = {group["id"]: group["members"] for group in study["groups"]}
    if member["id"] not in groups.get(member.get("group", ""), []):
        yield "kind: members of kind 'grouped' come from the section `groups`; write the member there"
    yield from contradictions_of_training(member, study)


GROUPED = MemberKind(
    name="grouped",
    order=15,
    meaning="trains it together with the other members of its group",
    schema=SCHEMA,
    origin="training",
    contradictions=contradictions,
)
