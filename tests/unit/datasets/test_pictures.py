"""Every kind of picture becomes RGB as a viewer shows it, or is refused by name; what was done for it is said."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from scripts.lib.datasets import imagenet, pictures
from scripts.lib.datasets.pictures import ImageFiles
from scripts.lib.datasets.training_images import check_training_images
from scripts.lib.jobs.errors import StudyError
from scripts.lib.study import check_data
from tests import miniature_imagenet as miniature
from tests.unit.conftest import read_image_folder

VALUES = np.array([[0, 255, 256, 4095, 32768, 65535]], np.uint16)
UPPER = [0, 0, 1, 15, 128, 255]  # the upper byte of each
ORIENTATION = 0x0112


def png(path: Path, width: int, bits: int, colour: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> Path:
    """A PNG of one line, written by hand: Pillow writes few of the kinds that it reads."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, bits, colour, 0, 0, 0))
    content = b"".join(chunk(*extra) for extra in chunks) + chunk(b"IDAT", zlib.compress(b"\0" + rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + content + chunk(b"IEND", b""))
    return path


def tiff(path: Path, values: np.ndarray, order: str, **changes: int) -> Path:
    """A TIFF of one line and one channel; `changes` replace entries of its directory."""
    data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    bits = values.dtype.itemsize * 8
    entries = {"width": (256, values.size), "height": (257, 1), "bits": (258, bits), "compression": (259, 1)}
    entries |= {"photometric": (262, 1), "offset": (273, 8), "rows": (278, 1), "bytes": (279, len(data))}
    entries |= {"format": (339, 1)}
    listed = [(tag, changes.get(name, value)) for name, (tag, value) in entries.items()]
    directory = struct.pack(f"{order}H", len(listed))
    directory += b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in listed)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    path.write_bytes(mark + struct.pack(f"{order}I", 8 + len(data)) + data + directory + b"\0" * 4)
    return path


def grey_values(path: Path) -> list[int]:
    """The line of a picture that must be grey."""
    pixels = np.asarray(ImageFiles([str(path)])[0])
    assert pixels.shape == (1, pixels.shape[1], 3)
    assert (pixels == pixels[:, :, :1]).all()
    return pixels[0, :, 0].tolist()


def refusal(path: Path) -> str:
    with pytest.raises(StudyError) as caught:
        ImageFiles([str(path)])[0]
    assert str(path) in str(caught.value)
    return str(caught.value)


# More than 8 bits.


def test_a_grey_png_of_16_bits_is_scaled(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(VALUES).save(path)
    assert grey_values(path) == UPPER


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_grey_tiff_of_16_bits_is_scaled(order: str, tmp_path: Path) -> None:
    assert grey_values(tiff(tmp_path / "a.tif", VALUES, order)) == UPPER


def test_a_tiff_whose_zero_is_white_is_inverted(tmp_path: Path) -> None:
    assert grey_values(tiff(tmp_path / "a.tif", VALUES, "<", photometric=0)) == [255 - value for value in UPPER]


def test_a_grey_pgm_of_more_than_8_bits_is_scaled(tmp_path: Path) -> None:
    (tmp_path / "a.pgm").write_bytes(b"P5\n6 1\n65535\n" + VALUES.astype(">u2").tobytes())
    assert grey_values(tmp_path / "a.pgm") == UPPER
    (tmp_path / "b.pgm").write_bytes(b"P5\n3 1\n4095\n" + np.array([0, 2048, 4095], ">u2").tobytes())
    assert grey_values(tmp_path / "b.pgm") == [0, 128, 255]


def test_grey_and_coloured_pictures_of_16_bits_are_scaled_alike(tmp_path: Path) -> None:
    coloured = png(tmp_path / "rgb.png", 6, 16, 2, np.repeat(VALUES, 3).astype(">u2").tobytes())
    transparent = np.stack([VALUES[0], np.full(6, 65535, np.uint16)], 1)
    alpha = png(tmp_path / "la.png", 6, 16, 4, transparent.astype(">u2").tobytes())
    keyed = png(tmp_path / "key.png", 6, 16, 0, VALUES.astype(">u2").tobytes(), (b"tRNS", struct.pack(">H", 256)))
    assert grey_values(coloured) == grey_values(alpha) == grey_values(keyed) == UPPER


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("kind", "number"), [("i2", 2), ("i4", 2), ("f4", 3)])
def test_values_without_a_known_range_are_refused(order: str, kind: str, number: int, tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", VALUES.astype(kind), order, format=number)
    assert ("floating-point numbers" if kind == "f4" else "signed or 32-bit integers") in refusal(path)
    assert "8 or 16 bits" in refusal(path)


def test_a_portable_float_map_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ppm"
    path.write_bytes(b"Pf\n6 1\n-1.0\n" + (VALUES / 65535).astype("<f4").tobytes())
    assert "8 or 16 bits" in refusal(path)


# Colours and transparency.


def test_pictures_of_cmyk_have_their_colours(tmp_path: Path) -> None:
    inks = Image.new("CMYK", (32, 16), (0, 0, 0, 0))
    inks.paste((255, 0, 0, 0), (16, 0, 32, 16))
    for name in ("a.jpg", "a.tif"):
        inks.save(tmp_path / name)
        pixels = np.asarray(ImageFiles([str(tmp_path / name)])[0]).astype(int)
        np.testing.assert_allclose(pixels[8, 4], [255, 255, 255], atol=4)
        np.testing.assert_allclose(pixels[8, 28], [0, 255, 255], atol=4)


def test_pictures_of_lab_have_their_colours(tmp_path: Path) -> None:
    red = Image.new("RGB", (2, 1), (200, 30, 30))
    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(red, transform)
    assert lab is not None
    lab.save(tmp_path / "a.tif")
    pixels = np.asarray(ImageFiles([str(tmp_path / "a.tif")])[0]).astype(int)
    np.testing.assert_allclose(pixels[0, 0], [200, 30, 30], atol=12)


def palette(path: Path, transparency: Any) -> Path:
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2])
    image.save(path, **({} if transparency is None else {"transparency": transparency}))
    return path


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("transparency", [None, 1, bytes([0, 128, 255])])
def test_a_palette_keeps_its_colours_below_transparency(transparency: Any, tmp_path: Path) -> None:
    picture = ImageFiles([str(palette(tmp_path / "a.png", transparency))])[0]
    assert np.asarray(picture)[0].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]


def test_colours_below_transparency_are_those_of_the_file(tmp_path: Path) -> None:
    pixels = np.array([[[10, 20, 30, 0], [10, 20, 30, 128], [10, 20, 30, 255]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (np.asarray(ImageFiles([str(tmp_path / "a.png")])[0]) == [10, 20, 30]).all()


MODES = {
    ".png": ["1", "L", "LA", "P", "RGB", "RGBA"],
    ".jpg": ["L", "RGB", "CMYK", "YCbCr"],
    ".tif": ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"],
    ".webp": ["RGB", "RGBA"],
    ".bmp": ["1", "L", "P", "RGB", "RGBA"],
}


@pytest.mark.parametrize(("suffix", "mode"), [(suffix, mode) for suffix, modes in MODES.items() for mode in modes])
def test_pictures_of_8_bits_have_the_bytes_that_pillow_gives(suffix: str, mode: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 12, 4), dtype=np.uint8)
    image, path = Image.fromarray(pixels, "RGBA"), tmp_path / f"a{suffix}"
    (image if "A" in mode else image.convert("RGB")).convert(mode).save(path)
    with Image.open(path) as saved:
        expected = np.asarray(saved.convert("RGB"))
    assert (np.asarray(ImageFiles([str(path)], upright=True)[0]) == expected).all()


# Orientation.


def turned(path: Path, orientation: int) -> Image.Image:
    """Save a picture that a viewer turns by `orientation`; returns what the viewer shows."""
    upright = Image.new("RGB", (16, 8), (255, 255, 255))
    upright.paste((255, 0, 0), (0, 0, 8, 8))
    back = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    stored = upright.transpose(back[orientation]) if orientation in back else upright
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    stored.save(
        path, exif=exif, **({"quality": 100, "subsampling": 0} if path.suffix == ".jpg" else {"lossless": True})
    )
    return upright


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_own_images_stand_as_a_viewer_shows_them(orientation: int, suffix: str, tmp_path: Path) -> None:
    upright = turned(tmp_path / "a" / f"a{suffix}", orientation)
    found = read_image_folder(tmp_path).images[0]
    assert found.size == upright.size
    np.testing.assert_allclose(np.asarray(found).astype(int), np.asarray(upright).astype(int), atol=8)


def test_imagenet_is_read_as_published_accuracies_read_it(tmp_path: Path) -> None:
    """torchvision and timm do not look at the orientation; pictures with one are in ImageNet."""
    [name] = miniature.synsets(1)
    turned(tmp_path / name / "a.jpg", 6)
    assert imagenet.read_folders(tmp_path).images[0].size == (8, 16)


def test_damaged_exif_does_not_make_a_picture_unreadable(tmp_path: Path) -> None:
    turned(tmp_path / "a" / "a.jpg", 6)
    content = (tmp_path / "a" / "a.jpg").read_bytes()
    place = content.index(b"Exif\0\0")
    for damage in (b"\xff" * 12, b"II*\0\xff\xff\xff\x7f", b"MM\0*\0\0\0\x08\xff\xff"):
        (tmp_path / "a" / "a.jpg").write_bytes(content[: place + 6] + damage + content[place + 6 + len(damage) :])
        assert read_image_folder(tmp_path).images[0].size in [(8, 16), (16, 8)]


# What is said.


def test_what_was_done_for_a_picture_stands_beside_it(tmp_path: Path) -> None:
    turned(tmp_path / "turned.jpg", 6)
    turned(tmp_path / "upright.jpg", 1)
    Image.fromarray(VALUES).save(tmp_path / "deep.png")
    Image.fromarray(VALUES[:, :4]).save(tmp_path / "dark.png")
    palette(tmp_path / "key.png", 1)
    Image.new("RGBA", (2, 1), (1, 2, 3, 4)).save(tmp_path / "clear.png")
    Image.new("RGBA", (2, 1), (1, 2, 3, 255)).save(tmp_path / "opaque.png")
    pages = [Image.new("L", (2, 1), value) for value in (7, 8)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    expected = {
        "turned.jpg": [pictures.TURNED],
        "upright.jpg": [],
        "deep.png": [pictures.DEEP],
        "dark.png": [pictures.DARK],
        "key.png": [pictures.TRANSPARENT],
        "clear.png": [pictures.TRANSPARENT],
        "opaque.png": [],
        "pages.tif": [pictures.FRAMES],
    }
    images = ImageFiles([str(tmp_path / name) for name in expected], upright=True)
    assert [image.info[pictures.TREATED] for image in images] == list(expected.values())
    assert images[len(images) - 1].getpixel((0, 0)) == (7, 7, 7)


def test_a_job_says_how_many_pictures_it_treated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a", "b"):
        turned(tmp_path / "images" / name / "0.jpg", 8)
        turned(tmp_path / "images" / name / "1.jpg", 1)
    with caplog.at_level("INFO", logger="ensemble-diversity"):
        check_training_images(
            {"kind": "image-folder", "training": {"folder": str(tmp_path / "images")}},
            ["as it was"],
            *(str(tmp_path / name) for name in ("labels", "samples", "classes", "record")),
        )
    assert caplog.messages == [f"check training images: 2 of 4 pictures {pictures.TURNED}"]


def test_a_check_of_the_data_says_so_too(tmp_path: Path) -> None:
    for name in ("a", "b"):
        turned(tmp_path / "images" / name / "0.jpg", 8)
    datasets = {"kind": "image-folder", "training": {"folder": str(tmp_path / "images")}, "validation": []}
    [(line, fault)] = check_data.check({"datasets": datasets, "members": [], "supernets": []}, full=True)
    assert fault is None
    assert line == f"training: 2 images of 2 classes (1 to 1 each), 2 decoded; 2 {pictures.TURNED}"
