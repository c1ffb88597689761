"""A figure inside the page, as lossless WebP: the same pixels as its PNG file in about half of the bytes.

WebP has no pictures of more than 16 383 pixels in a direction; the PNG file of such a figure is embedded as it is.
"""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

MOST_PIXELS = 16_383


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
        content = base64.b64encode(_webp(picture) if webp else path.read_bytes()).decode()
        source = f"data:image/{'webp' if webp else 'png'};base64,{content}"
        # The size lets the page reserve room for the picture.
        return EmbeddedPicture(**words, source=source, width=picture.width, height=picture.height)


def _webp(picture: Image.Image) -> bytes:
    # Figures have no transparent pixels, but their files have the channel for it.
    opaque = picture.mode != "RGBA" or picture.getchannel("A").getextrema() == (255, 255)
    content = io.BytesIO()
    pixels = picture.convert("RGB" if opaque else "RGBA")
    pixels.save(content, "WEBP", lossless=True, exact=True, method=2, quality=50)
    return content.getvalue()
