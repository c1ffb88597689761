"""ImageNet's original archives as class folders.

`python -m scripts.lib.datasets.imagenet_archives ARCHIVES DESTINATION`
"""

import shutil
import sys
from pathlib import Path

from scripts.lib.jobs.errors import StudyError
from scripts.lib.networks.vision import torchvision

imagenet = torchvision.datasets.imagenet


def unpack(archives: Path, destination: Path) -> None:
    """Unpack the three archives into `destination`/train and `destination`/val, one folder per class.

    torchvision checks their MD5 and unpacks them. A part that is finished is kept; one that was interrupted is started
    again. Raises StudyError for an archive that is missing or damaged.
    """
    names = {part: name for part, (name, _) in imagenet.ARCHIVE_META.items()}
    for name in names.values():
        if not (archives / name).is_file():
            raise StudyError(f"{archives / name} is missing: ImageNet's archives are {', '.join(names.values())}.")
    destination.mkdir(parents=True, exist_ok=True)
    for name in names.values():  # torchvision expects archives and folders side by side
        (destination / name).unlink(missing_ok=True)
        (destination / name).symlink_to((archives / name).resolve())
    try:
        imagenet.parse_devkit_archive(destination)
        _unpack_part(destination, "train", imagenet.parse_train_archive)
        _unpack_part(destination, "val", imagenet.parse_val_archive)
    except RuntimeError as error:
        raise StudyError(f"{error} (in {archives})") from None
    for name in names.values():
        (destination / name).unlink()


def _unpack_part(destination: Path, folder: str, parse: object) -> None:
    if (destination / folder).exists():
        return
    unfinished = f"{folder}.unfinished"
    shutil.rmtree(destination / unfinished, ignore_errors=True)
    print(f"unpacking {folder} ...", flush=True)
    parse(destination, folder=unfinished)  # type: ignore[operator]
    (destination / unfinished).rename(destination / folder)


if __name__ == "__main__":
    try:
        unpack(*(Path(argument).expanduser() for argument in sys.argv[1:3]))
    except StudyError as error:
        sys.exit(f"Error: {error}")
