"""How the training of a member uses its device. Needs only the standard library, because the rules call it."""

from collections.abc import Mapping
from typing import Any


def scale_of(member: Mapping[str, Any], training: Mapping[str, Any]) -> dict[str, Any]:
    """The study's section `training`, with the member's own precision if it has one."""
    own = member.get("precision")
    return {**training, "precision": own} if own else dict(training)
