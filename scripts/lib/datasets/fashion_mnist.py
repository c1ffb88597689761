"""Fashion-MNIST (Xiao et al. 2017): found on this machine or downloaded, and verified."""

import gzip
import hashlib
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from scripts.lib.jobs.errors import StudyError, first_line
from scripts.lib.jobs.job import log
from scripts.lib.jobs.storage import whole_file

# SHA-256 of the unpacked content: the packed files differ between Debian's package and the original download.
FILES = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
CLASSES = [
    "T-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
]
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
DEBIAN_PACKAGE = "dataset-fashion-mnist"


def fetch(named_folder: str | None, destination: Path) -> None:
    """Put the four verified files into `destination`.

    Tries the folder that the study names (then only this one), Debian's installed package, torchvision's download
    and `apt-get download` (no root needed), in this order. Raises StudyError with what was tried and why it failed.
    """
    tried: list[str] = []
    for title, find in _sources(named_folder):
        with tempfile.TemporaryDirectory() as scratch:
            try:
                source = find(Path(scratch))
                contents = {name: _verified(source / f"{name}.gz") for name in FILES}
            except (OSError, RuntimeError, subprocess.SubprocessError, EOFError) as error:
                tried.append(f"{title}: {first_line(error, 500)}")
                continue
            for name, content in contents.items():
                _store(content, destination / f"{name}.gz")
            log.info("Fashion-MNIST: taken from %s, checksums verified.", title)
            return
    listing = "\n".join(f"  - {attempt}" for attempt in tried)
    raise StudyError(
        f"Fashion-MNIST could not be obtained. Tried:\n{listing}\n"
        "Put its four …-ubyte.gz files into a folder and name this folder in the study: datasets/folder."
    )


def _sources(named_folder: str | None) -> list[tuple[str, Callable[[Path], Path]]]:
    if named_folder:
        return [(f"the folder {named_folder} (datasets/folder)", lambda scratch: Path(named_folder).expanduser())]
    return [
        (f"Debian's package {DEBIAN_PACKAGE} in {DEBIAN_FOLDER}", lambda scratch: DEBIAN_FOLDER),
        ("torchvision's download", _download),
        (f"apt-get download {DEBIAN_PACKAGE}", _apt_download),
    ]


def _download(scratch: Path) -> Path:
    from scripts.lib.networks.vision import torchvision

    torchvision.datasets.FashionMNIST(str(scratch), download=True)
    return scratch / "FashionMNIST" / "raw"


def _apt_download(scratch: Path) -> Path:
    if not shutil.which("apt-get"):
        raise FileNotFoundError("this system has no apt-get")
    _run(["apt-get", "download", DEBIAN_PACKAGE], scratch)
    _run(["dpkg-deb", "-x", *map(str, scratch.glob("*.deb")), "."], scratch)
    return scratch / DEBIAN_FOLDER.relative_to("/")


def _run(command: list[str], folder: Path) -> None:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {result.stderr.strip() or result.stdout.strip()}")


def _verified(path: Path) -> bytes:
    """The unpacked content of one file. Raises OSError if it is missing, damaged or different from what is expected."""
    try:
        content = gzip.decompress(path.read_bytes())
    except (EOFError, zlib.error) as error:
        raise OSError(f"{path} is damaged: {first_line(error)}") from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != FILES[path.stem]:
        raise OSError(f"{path} has checksum {digest}, expected {FILES[path.stem]} (SHA-256, unpacked)")
    return content


def _store(content: bytes, path: Path) -> None:
    with whole_file(path) as part:
        part.write_bytes(gzip.compress(content, compresslevel=1, mtime=0))


def read(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [N, 28, 28] and labels int64 [N] of `split`, "train" or "t10k" (the test images).

    Raises StudyError if a file has changed since `fetch` wrote it.
    """
    images, labels = (_undamaged(folder / f"{split}-{name}-ubyte.gz") for name in ("images-idx3", "labels-idx1"))
    pixels = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28)  # idx: 16 and 8 bytes of header
    return pixels, np.frombuffer(labels, np.uint8, offset=8).astype(np.int64)


def _undamaged(path: Path) -> bytes:
    try:
        return _verified(path)
    except OSError as error:
        raise StudyError(
            f"{path} was fetched and verified, but cannot be used any more ({first_line(error, 500)}): delete it and "
            "run again; it is then fetched again."
        ) from None
