"""A picture in the page has the pixels of its file."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.lib.report.embedded_pictures import MANY_COLOURS, MOST_PIXELS, EmbeddedPicture, embedded

WORDS = {"name": "n", "title": "t", "caption": "c", "alternative": "a", "photographs": True}


def shown(picture: EmbeddedPicture) -> np.ndarray:
    kind, content = picture.source.split(",", 1)
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


@pytest.mark.parametrize(("mode", "opaque"), [("RGB", True), ("RGBA", True), ("RGBA", False)])
def test_pixels_and_size_are_kept(tmp_path: Path, mode: str, opaque: bool) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, len(mode)), dtype=np.uint8)
    if mode == "RGBA" and opaque:
        pixels[..., 3] = 255
    Image.fromarray(pixels, mode).save(tmp_path / "n.png")
    picture = embedded(tmp_path / "n.png", WORDS)
    assert (picture.width, picture.height, picture.photographs) == (30, 20, True)
    assert (shown(picture) == (pixels[..., :3] if opaque else pixels)).all()


def test_a_picture_that_is_too_large_for_webp_is_embedded_as_its_file(tmp_path: Path) -> None:
    Image.new("RGB", (2, MOST_PIXELS + 1)).save(tmp_path / "n.png")
    picture = embedded(tmp_path / "n.png", WORDS)
    kind, content = picture.source.split(",", 1)
    assert kind == "data:image/png;base64"
    assert base64.b64decode(content) == (tmp_path / "n.png").read_bytes()
    assert picture.height == MOST_PIXELS + 1


@pytest.mark.parametrize("photographs", [True, False])
@pytest.mark.parametrize("colours", [MANY_COLOURS, MANY_COLOURS + 1])
def test_only_a_drawing_of_very_many_colours_has_them_rounded(tmp_path: Path, photographs: bool, colours: int) -> None:
    number = np.arange(200 * 100) % colours
    pixels = np.stack([number % 256, 255 - number // 256, number % 256], 1).astype(np.uint8).reshape(100, 200, 3)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) == colours
    Image.fromarray(pixels).save(tmp_path / "n.png")
    found = shown(embedded(tmp_path / "n.png", WORDS | {"photographs": photographs}))
    far = np.abs(found.astype(int) - pixels)
    assert far.max() <= 4
    assert far.any() == (not photographs and colours > MANY_COLOURS)
