"""No images: labels from files, for studies whose members are all files of predictions."""

from collections.abc import Iterator

from scripts.lib.datasets.spec import DatasetKind, Settings, Size


def _contradictions(dataset: Settings, where: str) -> Iterator[str]:
    if not dataset["labels"]:
        yield f"{where}/labels: missing; datasets of kind predictions need a file of labels for each validation set"
    if "of" in dataset or dataset["folder"] or dataset["images"]:
        yield f"{where}: datasets of kind predictions have no images; remove `of`, `folder` and `images`"


PREDICTIONS = DatasetKind(
    name="predictions",
    order=5,
    meaning="labels only: all members are files of predictions",
    size=Size(training=0, validation=50_000, classes=1000, exact=False),
    has_images=False,
    own_keys={"labels": None, "first_label": None, "samples": None},
    contradictions=_contradictions,
)
