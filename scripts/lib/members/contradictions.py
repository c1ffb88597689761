"""Training settings that contradict each other, although the schema allows each of them."""

from collections.abc import Iterator

from scripts.lib.members.spec import Entry


def contradictions_of_training(member: Entry, study: Entry) -> Iterator[str]:
    """Contradictions in the settings of a training on labels."""
    if "architecture" in member:
        yield from network_contradictions(member["architecture"])
        yield from patch_contradictions(member["architecture"], "image_size", member["image_size"])
    yield from optimizer_contradictions(member["optimizer"])
    yield from interval_contradictions("transforms", member["transforms"], "crop_scale", "crop_ratio")


def network_contradictions(network: Entry) -> Iterator[str]:
    """Contradictions in a section `architecture`."""
    if network["name"] == "deit" and network["embedding"] % network["heads"]:
        yield f"architecture/embedding: {network['embedding']} is not a multiple of the {network['heads']} heads"


def patch_contradictions(network: Entry, key: str, size: int) -> Iterator[str]:
    """Images of this size, under this key, that the patches of a network do not fill."""
    if network["name"] == "deit" and size % network["patch_size"]:
        yield f"{key}: {size} is not a multiple of the patch_size of {network['patch_size']}"


def optimizer_contradictions(optimizer: Entry) -> Iterator[str]:
    """Contradictions in a section `optimizer`."""
    if optimizer.get("nesterov") and not optimizer["momentum"]:
        yield "optimizer/nesterov: needs a momentum above 0"


def interval_contradictions(section: str, settings: Entry, *keys: str) -> Iterator[str]:
    """Intervals of a section whose first number is larger than the second."""
    for key in keys:
        smallest, largest = settings[key]
        if smallest > largest:
            yield f"{section}/{key}: [{smallest}, {largest}] must have the smaller number first"
