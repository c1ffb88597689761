"""Miniature ImageNets in every layout, from real photographs that scikit-learn and scikit-image ship.

A class is one photograph: its pictures are crops of it, so that classes can be learnt.
"""

import io
import shutil
import tarfile
from pathlib import Path

import numpy as np
import scipy.io
import skimage.data
import sklearn.datasets
from PIL import Image

# WordNet ids of ImageNet and what stands for them here, not in the order of the labels.
PHOTOGRAPHS = {
    "n02123045": lambda: skimage.data.chelsea(),  # a tabby cat indeed
    "n01514668": lambda: skimage.data.coffee(),
    "n03837869": lambda: sklearn.datasets.load_sample_image("china.jpg"),
    "n04008634": lambda: skimage.data.rocket(),
    "n11939491": lambda: sklearn.datasets.load_sample_image("flower.jpg"),
    "n10148035": lambda: skimage.data.astronaut(),
}
CORRUPTIONS = {
    "noise": ["gaussian_noise", "shot_noise", "impulse_noise"],
    "blur": ["defocus_blur", "glass_blur", "motion_blur", "zoom_blur"],
    "weather": ["snow", "frost", "fog", "brightness"],
    "digital": ["contrast", "elastic_transform", "pixelate", "jpeg_compression"],
}


def crops(synset: str, count: int, seed: int) -> list[Image.Image]:
    """Random crops of the class's photograph."""
    photograph = Image.fromarray(PHOTOGRAPHS[synset]())
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        side = int(random.uniform(0.6, 1.0) * min(photograph.size))
        left, top = (int(random.uniform(0, length - side + 1)) for length in photograph.size)
        found.append(photograph.crop((left, top, left + side, top + side)).resize((256, 256)))
    return found


def synsets(count: int) -> list[str]:
    return sorted(PHOTOGRAPHS)[:count]


def write_folders(root: Path, classes: list[str], count: int, seed: int = 0, prefix: str = "picture") -> Path:
    """ImageNet's train or val, -A, -R or -Sketch: one folder per class."""
    for position, synset in enumerate(classes):
        folder = root / synset
        folder.mkdir(parents=True)
        for number, picture in enumerate(crops(synset, count, seed + 100 * position)):
            picture.save(folder / f"{prefix}_{number:04d}.JPEG", "JPEG")
    return root


def write_v2(root: Path, labels: dict[str, int], count: int) -> Path:
    """ImageNet-V2: folders named by the label's number."""
    for synset, label in labels.items():
        folder = root / str(label)
        folder.mkdir(parents=True)
        for number, picture in enumerate(crops(synset, count, 5)):
            picture.save(folder / f"{number:02d}.jpeg", "JPEG")
    return root


def write_corrupted(root: Path, clean: Path, families: list[str], severities: list[int]) -> Path:
    """ImageNet-C: corruption/severity/class/picture, 224 pixels; darker with the severity, not really corrupted."""
    for name in (name for family in families for name in CORRUPTIONS[family]):
        for severity in severities:
            for path in sorted(clean.rglob("*.JPEG")):
                target = root / name / str(severity) / path.relative_to(clean)
                target.parent.mkdir(parents=True, exist_ok=True)
                with Image.open(path) as picture:
                    small = picture.resize((224, 224))
                small.point(lambda value, severity=severity: value * (10 - severity) // 10).save(target, "JPEG")
    return root


def write_archives(root: Path, train: Path, val: Path) -> Path:
    """ImageNet's three original archives with the pictures of two folder trees."""
    root.mkdir(parents=True)
    scratch = root / "scratch"
    scratch.mkdir()
    classes = sorted(path.name for path in train.iterdir())
    with tarfile.open(root / "ILSVRC2012_img_train.tar", "w") as archive:
        for synset in classes:
            with tarfile.open(scratch / f"{synset}.tar", "w") as inner:
                for path in sorted((train / synset).iterdir()):
                    inner.add(path, path.name)
            archive.add(scratch / f"{synset}.tar", f"{synset}.tar")
    numbers = []
    with tarfile.open(root / "ILSVRC2012_img_val.tar", "w") as archive:
        for number, path in enumerate(sorted(val.rglob("*.JPEG"), key=lambda path: path.name)):
            archive.add(path, f"ILSVRC2012_val_{number + 1:08d}.JPEG")
            numbers.append(classes.index(path.parent.name) + 1)
    _write_devkit(root / "ILSVRC2012_devkit_t12.tar.gz", scratch, classes, numbers)
    shutil.rmtree(scratch)
    return root


def _write_devkit(path: Path, scratch: Path, classes: list[str], numbers: list[int]) -> None:
    fields = [("ILSVRC2012_ID", "i4"), ("WNID", "O"), ("words", "O"), ("gloss", "O"), ("num_children", "i4")]
    table = np.array([(row + 1, name, f"{name}, x", "", 0) for row, name in enumerate(classes)], fields)
    scipy.io.savemat(scratch / "meta.mat", {"synsets": table})
    truth = "".join(f"{number}\n" for number in numbers).encode()
    with tarfile.open(path, "w:gz") as archive:
        archive.add(scratch / "meta.mat", "ILSVRC2012_devkit_t12/data/meta.mat")
        member = tarfile.TarInfo("ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt")
        member.size = len(truth)
        archive.addfile(member, io.BytesIO(truth))
