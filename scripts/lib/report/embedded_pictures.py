"""A figure inside the page, as lossless WebP: the same pixels as its PNG file in about half of the bytes.

Only a drawing of very many colours, which is a cloud of transparent points, has its colours rounded, by at most 4 of
255: this halves its bytes again, and the figure's own files are beside the page. WebP has no pictures of more than
16 383 pixels in a direction; the PNG file of such a figure is embedded as it is.
"""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

MOST_PIXELS = 16_383
MANY_COLOURS = 1 << 14
STEP = 8  # between the values of a rounded channel, so that it changes by 4 of 255 at most


@dataclass(frozen=True)
class EmbeddedPicture:
    """A figure inside the file: its picture as a data URI, its size in pixels, and its texts.

    `photographs` says that it shows images, whose colours a dark page must not turn round.
    """

    name: str
    title: str
    caption: str
    alternative: str
    source: str
    width: int
    height: int
    photographs: bool = False


def embedded(path: Path, words: Mapping[str, Any]) -> EmbeddedPicture:
    """A PNG file with its texts."""
    with Image.open(path) as picture:
        webp = max(picture.size) <= MOST_PIXELS
        content = _webp(picture, exact=bool(words.get("photographs"))) if webp else path.read_bytes()
        source = f"data:image/{'webp' if webp else 'png'};base64,{base64.b64encode(content).decode()}"
        # The size lets the page reserve room for the picture.
        return EmbeddedPicture(**words, source=source, width=picture.width, height=picture.height)


def _webp(picture: Image.Image, exact: bool) -> bytes:
    # Figures have no transparent pixels, but their files have the channel for it.
    opaque = picture.mode != "RGBA" or picture.getchannel("A").getextrema() == (255, 255)
    content = io.BytesIO()
    pixels = picture.convert("RGB" if opaque else "RGBA")
    if not exact and pixels.getcolors(MANY_COLOURS) is None:
        pixels = _rounded(pixels)
    pixels.save(content, "WEBP", lossless=True, exact=True, method=2, quality=50)
    return content.getvalue()


def _rounded(picture: Image.Image) -> Image.Image:
    """Every channel as a multiple of STEP; white stays white."""
    values = np.asarray(picture).astype(np.int64)
    return Image.fromarray(np.minimum((values + STEP // 2) // STEP * STEP, 255).astype(np.uint8), picture.mode)
