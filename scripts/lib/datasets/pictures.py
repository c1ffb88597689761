"""Picture files as RGB images of 8 bits, as a viewer shows them; other files are refused by name."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from scripts.lib.jobs.errors import StudyError, first_line, printable

# The formats that Pillow may read, whatever the file's name. Not PostScript: Pillow passes it to an external program.
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
TREATED = "treated"  # the key in an image's `info` of what was done for it, as the end of "3 pictures …"
TURNED = "are turned as their EXIF orientation says"
TRANSPARENT = "are transparent in places, where the colours below count"
DEEP = "have 16 bits a value, of which the upper 8 are taken"
DARK = "have 16 bits a value but none above 4095, and become almost black (scale pictures of 12 bits to 16 bits)"
FRAMES = "have several frames, of which the first is taken"
ORIENTATION, BITS, PHOTOMETRIC = 0x0112, 258, 262  # tags of EXIF and TIFF


class ImageFiles(Sequence[Image.Image]):
    """Images in files, decoded when they are requested. Raises StudyError for a file that cannot be decoded.

    `upright` rotates them as their EXIF orientation says.
    """

    def __init__(self, paths: list[str], upright: bool = False) -> None:
        self.paths, self.upright = paths, upright

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: Any) -> Any:
        return read_picture(self.paths[row], self.upright)


def read_picture(path: str, upright: bool) -> Image.Image:
    """The (first) picture of a file in mode RGB; `info["treated"]` lists how it was changed.

    Raises StudyError for a file that cannot be decoded, or whose values have no known range.
    """
    try:
        with Image.open(path, formats=_formats()) as image:
            return _as_rgb(image, upright)
    except _UnknownRangeError as error:
        raise StudyError(
            f"the image {printable(path)} holds {error}, and the file does not say how dark or bright they are: "
            "convert it to 8 or 16 bits."
        ) from None
    except Exception as error:  # noqa: BLE001 - Pillow raises anything for a damaged file
        raise StudyError(
            f"the image {printable(path)} cannot be decoded ({printable(first_line(error))}): replace or remove it."
        ) from None


@cache
def _formats() -> list[str]:
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


class _UnknownRangeError(Exception):
    pass


def _as_rgb(image: Image.Image, upright: bool) -> Image.Image:
    image.load()
    treated = [FRAMES] if _frames(image) > 1 and image.format != "MPO" else []  # a camera's MPO adds previews
    if upright and _orientation(image) != 1:
        ImageOps.exif_transpose(image, in_place=True)
        treated.append(TURNED)
    if _is_transparent(image):
        treated.append(TRANSPARENT)
    if image.mode.startswith("I"):
        values, remark = _of_8_bits(image)
        treated.append(remark)
        found = Image.fromarray(values).convert("RGB")
    elif image.mode == "F":
        raise _UnknownRangeError("floating-point numbers")
    else:
        image.info.pop("transparency", None)  # Pillow would warn that it is dropped
        found = image.convert("RGB")
    found.info[TREATED] = treated
    return found


def _of_8_bits(image: Image.Image) -> tuple[np.ndarray, str]:
    """The upper 8 of the bits that the format has, uint8 [H, W], as Pillow does for colours; and what to log."""
    tags: Any = getattr(image, "tag_v2", {})
    if image.mode == "I" and image.format not in ("PPM", "PNG"):  # these two have 16 bits in 32
        raise _UnknownRangeError("signed or 32-bit integers")
    values = np.asarray(image)
    bits = 12 if tags.get(BITS) == (12,) else 16
    upper = (values >> (bits - 8)).astype(np.uint8)
    remark = DARK if bits == 16 and 255 < values.max() < 4096 else DEEP
    return (255 - upper if tags.get(PHOTOMETRIC) == 0 else upper), remark


def _is_transparent(image: Image.Image) -> bool:
    if image.mode == "RGBa" or "transparency" in image.info:
        return True
    if image.mode not in ("RGBA", "LA", "PA", "La"):
        return False
    low, _ = image.getchannel("A" if "A" in image.mode else "a").getextrema()
    return bool(low != 255)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - metadata that a camera wrote beside the picture may be damaged in any way
        return 1


def _frames(image: Image.Image) -> int:
    try:
        return getattr(image, "n_frames", 1)
    except Exception:  # noqa: BLE001 - as above: the first frame has been read
        return 1
