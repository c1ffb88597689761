"""What members state about their outputs. Needs only the standard library, because the rules import this module.

Not in `files.py`, which reaches the specs of all kinds: a change of one would write `deployment.json` again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.lib.jobs.user_paths import location


def states_outputs(member: Mapping[str, Any]) -> bool:
    """Whether a member's keys `values` and `classes` say what its files or outputs hold.

    The networks of other members have their classes in the study's order, whatever the order in the user's weights was.
    """
    return "values" in member


def class_lists(members: Sequence[Mapping[str, Any]]) -> list[str]:
    """The users' files with the class names of members that state their outputs, each once."""
    paths = [member["classes"] for member in members if states_outputs(member)]
    return list(dict.fromkeys(location(path) for path in paths if isinstance(path, str)))
