"""The training images of a study: read by its kind of dataset, checked once, and the same in every training."""

from scripts.lib.datasets.image_set import ImageSet, each_decoded
from scripts.lib.datasets.spec import Settings, kind_of
from scripts.lib.jobs.checksums import checksums, require_undamaged
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_lines, save_array, save_json, save_lines


def training_images(datasets: Settings) -> ImageSet:
    """All training images of the study."""
    return kind_of(datasets).read_training(datasets)


def complete_training_images(datasets: Settings) -> ImageSet:
    """All training images. Raises StudyError if classes are missing that the kind of dataset or the study requires."""
    found = training_images(datasets)
    kind_of(datasets).check_complete(found.classes, datasets, "datasets/training/folder")
    return found


def check_training_images(
    datasets: Settings, pictures: list[str], labels: str, samples: str, classes: str, record: str
) -> None:
    """Decode every training image once, so that a bad file stops the study before training, and write the index.

    `pictures` has the fingerprints of the folders. They are stored in the record, which is an input of trainings, so
    that trainings start again if pictures change but keep their names.
    """
    found = complete_training_images(datasets)
    for _ in each_decoded(found.images, "check training images"):
        pass
    save_array(labels, found.labels)
    save_lines(samples, found.samples)
    save_json(classes, found.classes)
    save_json(record, {"pictures": pictures, "checksums": checksums(labels=labels, samples=samples)})


def checked_training_images(datasets: Settings, samples: str, record: str) -> ImageSet:
    """All training images of the study. Raises StudyError if they are no longer those of the index `samples`."""
    found = training_images(datasets)
    check_samples(found, samples, record)
    return found


def check_samples(found: ImageSet, samples: str, record: str) -> None:
    """Raise StudyError if the training images are no longer those that were checked, whose ids are in `samples`."""
    require_undamaged(record, samples=samples)
    index = load_lines(samples)
    if found.samples != index:
        raise StudyError(
            f"the training images changed since they were checked ({len(index)} then, {len(found)} now): "
            f"delete {samples} and run again."
        )
