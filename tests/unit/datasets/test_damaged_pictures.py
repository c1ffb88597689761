"""Damaged pictures and files that are no pictures are refused by name, and nothing in them is run."""

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scripts.lib.datasets.pictures import ImageFiles
from scripts.lib.jobs.errors import StudyError
from tests.unit.conftest import read_image_folder
from tests.unit.datasets.test_pictures import refusal


def encoded(form: str) -> bytes:
    random_pixels = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    image = Image.fromarray(random_pixels)
    buffer = io.BytesIO()
    (image.convert("P") if form == "GIF" else image).save(buffer, form)
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore:::PIL")
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "PPM", "GIF"])
def test_a_damaged_picture_is_read_or_refused(form: str, tmp_path: Path) -> None:
    """300 pictures with changed, missing or additional bytes; nothing but a StudyError comes out."""
    draw, original = random.Random(form), encoded(form)
    (tmp_path / "a").mkdir()
    path = tmp_path / "a" / "a.png"
    messages = []
    for _ in range(300):
        content = bytearray(original)
        for _ in range(draw.choice([1, 1, 2, 8])):
            content[draw.randrange(min(len(content), draw.choice([16, 64, 10_000])))] = draw.randrange(256)
        path.write_bytes(content[: draw.choice([len(content), draw.randrange(len(content))])])
        try:
            assert read_image_folder(tmp_path).images[0].mode == "RGB"
        except StudyError as error:
            messages.append(str(error))
    assert 50 < len(messages) < 300
    assert all(str(path) in message for message in messages)


def test_a_picture_that_is_a_program_for_a_printer_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow hands PostScript to Ghostscript, whatever the file's name."""
    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path / 'was run'}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n")
    refusal(path)
    assert not (tmp_path / "was run").exists()


# Plain files.


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "CMYK", "LA"])
def test_every_kind_of_file_becomes_rgb(mode: str, tmp_path: Path) -> None:
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.new("RGB", (6, 5), (255, 255, 255)).convert(mode).save(path)
    picture = ImageFiles([str(path)])[0]
    assert picture.mode == "RGB"
    assert picture.size == (6, 5)
    assert (np.asarray(picture) >= 254).all()


def truncated_jpeg(path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    path.write_bytes(path.read_bytes()[:700])


def text(path: Path) -> None:
    path.write_text("this is no picture")


@pytest.mark.parametrize("damage", [truncated_jpeg, text, Path.touch])
def test_a_file_that_is_no_picture_is_named(damage: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.jpg"
    damage(path)
    with pytest.raises(StudyError, match=f"the image {path} cannot be decoded"):
        ImageFiles([str(path)])[0]


def test_a_picture_too_large_to_be_honest_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (50, 50)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(StudyError, match=r"bomb\.png cannot be decoded"):
        ImageFiles([str(tmp_path / "bomb.png")])[0]
