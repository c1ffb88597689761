"""The images of a validation set: read by the study's kind of dataset, labelled, cropped, stored for all members."""

from scripts.lib.datasets.image_set import centre, each_decoded
from scripts.lib.datasets.spec import Labelled, Settings, key_of, kind_of
from scripts.lib.jobs.checksums import checksums
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.randomness import derive
from scripts.lib.jobs.storage import save_array, save_json, save_lines, save_rows


def make_validation_set(
    datasets: Settings,
    dataset: Settings,
    seed: int,
    classes: list[str],
    images: str,
    labels: str,
    samples: str,
    scored: str,
    record: str,
) -> None:
    """Choose, resize and crop the images of one validation set, and store them as every member will see them.

    `scored` gets the class names, with null for a class that does not count on this set. Raises StudyError if its
    classes are not those of the training images.
    """
    found, counting = validation_images(datasets, dataset, seed, classes)
    save_json(scored, counting)
    chosen, _ = found.subset(dataset["images"], derive(seed, "images", dataset["id"]), key_of(dataset))
    size, resize = datasets["image_size"], datasets["resize"] or datasets["image_size"]
    if kind_of(datasets).is_corrupted(dataset):
        resize = size  # its pictures are already centre-cropped
    pictures = each_decoded(chosen.images, f"store {dataset['id']}", lambda image: centre(image, resize, size))
    save_rows(images, pictures, len(chosen), (size, size, 3), "uint8")
    save_array(labels, chosen.labels)
    save_lines(samples, chosen.samples)
    save_json(record, {"checksums": checksums(images=images, labels=labels, samples=samples)})


def validation_images(datasets: Settings, dataset: Settings, seed: int, classes: list[str]) -> Labelled:
    """The images of a validation set, labelled by position in `classes`, and the classes that count on it (or None)."""
    kind = kind_of(datasets)
    found = kind.read_validation(dataset, seed)
    if kind.label is not None:
        return kind.label(found, dataset, classes, key_of(dataset))
    check_classes(found.classes, classes, dataset)
    return found, list(classes)


def class_names(datasets: Settings, dataset: Settings) -> list[str]:
    """The classes of a validation set, for a study without training images."""
    kind = kind_of(datasets)
    found = kind.read_validation(dataset, 0).classes
    kind.check_complete(found, datasets, key_of(dataset))
    return found


def check_classes(found: list[str], training: list[str], dataset: Settings) -> None:
    """Labels are positions in the list of classes, so both lists must be the same."""
    if found == training:
        return
    missing = ", ".join(sorted(set(training) - set(found))) or "none"
    unknown = ", ".join(sorted(set(found) - set(training))) or "none"
    raise StudyError(
        f"{key_of(dataset)} ({dataset['folder']}) has {len(found)} classes, the training images have {len(training)}. "
        f"Missing: {missing}; not in training: {unknown}. Both need the same class folders."
    )
