"""A network that is cut out of a super-network: rule `extract_subnet`."""

from collections.abc import Iterator
from typing import Any

from scripts.lib.jobs.errors import not_among
from scripts.lib.members.spec import Entry, MemberKind

SCHEMA = """
description: A network that is cut out of a super-network, which determines its architecture, image size and transforms.
required: [supernet, subnet]
properties:
  supernet:
    description: Id of an entry of `supernets`.
    type: string
  subnet:
    description: Which sub-network it is, described in one of three ways.
    type: object
    additionalProperties: false
    minProperties: 1
    maxProperties: 1
    properties:
      ofa:
        description: The notation of Once-for-all for ResNet-50 (paper, Table ii).
        type: object
        additionalProperties: false
        required: [depth, width, expansion]
        properties:
          depth:
            description: >-
              Five entries, one for the stem, then the number of bottlenecks in each of the four stages
              beyond 2, 2, 4, 2.
            type: array
            items: {type: integer, minimum: 0}
          width:
            description: Six indexes into the sorted widths, two for the stem and one for each of the four stages.
            type: array
            items: {type: integer, minimum: 0}
          expansion:
            description: Width in the middle of each active bottleneck, relative to its stage's full width.
            type: array
            items: {type: number, exclusiveMinimum: 0}
      nncf:
        description: The notation of NNCF.
        type: object
        additionalProperties: false
        properties:
          depth:
            description: >-
              Indexes of the blocks that are left out, as in the super-network's JSON file (`space`,
              `blocks`).
            type: array
            uniqueItems: true
            items: {type: integer, minimum: 0}
            default: []
          width:
            description: >-
              Width for each index of a group (`space`, `groups`); groups that are not named keep their
              full width.
            type: object
            additionalProperties: {type: integer, minimum: 1}
            default: {}
      search:
        description: >-
          Points of the Pareto front that the search found. The entry stands for `count` members, whose ids end in -1,
          -2, …
        type: object
        additionalProperties: false
        required: [pick, count]
        properties:
          pick:
            description: "`pareto` spreads the points evenly over the Pareto front, from few operations to many."
            enum: [pareto]
          count:
            description: Number of members; 1 is the most accurate point.
            type: integer
            minimum: 1
          point:
            description: Which of these points this member is; filled in when the entry is expanded.
            type: integer
            minimum: 1
  batch_norm_images:
    description: >-
      Number of training images on which the batch norm statistics are computed again; 0 keeps those of the
      super-network.
    type: integer
    minimum: 0
    default: 1500
  seed:
    description: Seed with which these images are drawn.
    type: integer
    minimum: 0
    default: 0
"""


def contradictions(member: Entry, study: Entry) -> Iterator[str]:
    """A super-network, a search, or a point of the search that does not exist."""
    searched = {supernet["id"]: "search" in supernet["bootstrapNAS"] for supernet in study["supernets"]}
    if member["supernet"] not in searched:
        yield f"supernet: {not_among(member['supernet'], searched)}"
    elif "search" in member["subnet"] and not searched[member["supernet"]]:
        yield f"subnet/search: the super-network {member['supernet']!r} has no section bootstrapNAS/search"
    if "search" in member["subnet"] and member["subnet"]["search"]["point"] > member["subnet"]["search"]["count"]:
        yield "subnet/search/point: is larger than count"


def points_of_search(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The members that an entry expands to: `count` points of a search's front, or only the entry itself."""
    subnet = entry.get("subnet")
    search: Any = subnet.get("search") if isinstance(subnet, dict) else None
    if not isinstance(search, dict) or type(search.get("count")) is not int or "point" in search:
        return [entry]
    return [
        entry | {"id": f"{entry.get('id')}-{point}", "subnet": {"search": search | {"point": point}}}
        for point in range(1, search["count"] + 1)
    ]


SUBNET = MemberKind(
    name="subnet",
    order=30,
    meaning="cuts a network out of a super-network",
    schema=SCHEMA,
    origin="training",
    contradictions=contradictions,
    stands_for=points_of_search,
)
