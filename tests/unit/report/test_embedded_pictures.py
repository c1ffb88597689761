"""A picture in the page has the pixels of its file."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.lib.report.embedded_pictures import MOST_PIXELS, embedded

WORDS = {"name": "n", "title": "t", "caption": "c", "alternative": "a", "photographs": True}


@pytest.mark.parametrize(("mode", "opaque"), [("RGB", True), ("RGBA", True), ("RGBA", False)])
def test_pixels_and_size_are_kept(tmp_path: Path, mode: str, opaque: bool) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, len(mode)), dtype=np.uint8)
    if mode == "RGBA" and opaque:
        pixels[..., 3] = 255
    Image.fromarray(pixels, mode).save(tmp_path / "n.png")
    picture = embedded(tmp_path / "n.png", WORDS)
    assert (picture.width, picture.height, picture.photographs) == (30, 20, True)
    kind, content = picture.source.split(",", 1)
    assert kind == "data:image/webp;base64"
    shown = Image.open(io.BytesIO(base64.b64decode(content)))
    assert (np.asarray(shown) == (pixels[..., :3] if opaque else pixels)).all()


def test_a_picture_that_is_too_large_for_webp_is_embedded_as_its_file(tmp_path: Path) -> None:
    Image.new("RGB", (2, MOST_PIXELS + 1)).save(tmp_path / "n.png")
    picture = embedded(tmp_path / "n.png", WORDS)
    kind, content = picture.source.split(",", 1)
    assert kind == "data:image/png;base64"
    assert base64.b64decode(content) == (tmp_path / "n.png").read_bytes()
    assert picture.height == MOST_PIXELS + 1
