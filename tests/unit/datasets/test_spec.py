"""What kinds of datasets say of themselves agrees with what they read, and is read without a numerical library."""

import subprocess
import sys

import pytest

from scripts.lib.datasets.spec import DATASET_KINDS, DatasetKind
from scripts.lib.study.resolve import ROOT
from scripts.lib.study.schema import schema

every_kind = pytest.mark.parametrize("kind", DATASET_KINDS.values(), ids=DATASET_KINDS)


def test_specs_need_no_heavy_library() -> None:
    program = (
        "import sys\nfrom scripts.lib.datasets.spec import DATASET_KINDS\nlist(DATASET_KINDS.values())\n"
        "print([name for name in ('torch', 'numpy', 'polars', 'PIL', 'sklearn') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_kinds_have_their_order_and_stand_in_the_schema() -> None:
    assert list(DATASET_KINDS) == ["fashion-mnist", "digits", "image-folder", "imagenet", "predictions"]
    assert schema()["$defs"]["datasets"]["properties"]["kind"]["enum"] == list(DATASET_KINDS)


@every_kind
def test_keys_that_belong_to_one_kind_have_the_defaults_of_the_schema(kind: DatasetKind) -> None:
    properties = schema()["$defs"]["validation_set"]["properties"]
    assert kind.own_keys == {key: properties[key]["default"] for key in kind.own_keys}


@every_kind
def test_every_kind_stands_in_a_file_of_its_name(kind: DatasetKind) -> None:
    assert DATASET_KINDS.file_of(kind.name).stem == kind.name.replace("-", "_")


def test_the_size_of_the_digits_is_what_is_read() -> None:
    kind = DATASET_KINDS["digits"]
    training, validation = kind.read_training({}), kind.read_validation({}, 0)
    assert (len(training), len(validation), len(training.classes)) == (1198, 599, 10)
    assert (kind.size.training, kind.size.validation, kind.size.classes) == (1198, 599, 10)


@pytest.mark.parametrize(
    ("name", "folder", "given"),
    [
        ("digits", None, True),
        ("fashion-mnist", None, True),
        ("image-folder", None, False),
        ("imagenet", "train", True),
        ("predictions", None, False),
    ],
)
def test_training_images_are_given_by_the_kind_or_by_a_folder(name: str, folder: str | None, given: bool) -> None:
    assert DATASET_KINDS[name].training_given({"training": {"folder": folder}}) is given


@every_kind
def test_what_is_fetched_has_its_place(kind: DatasetKind) -> None:
    """One folder, so that `fetch` can be given it; a kind without raw files refuses to fetch any."""
    assert len({path.rsplit("/", 1)[0] for path in kind.raw_files}) == bool(kind.raw_files)
    assert all(path.startswith("data/") for path in kind.raw_files)
