"""The documentation as a site: what its hooks make of links, and that mkdocs.yml names every page."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import kernels
from scripts.lib.jobs.paths import ROOT


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    """docs/site_hooks.py, as mkdocs loads it; mkdocs itself is not installed here."""
    spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "docs" / "site_hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CODE = "../../examples/sklearn-zoo/study.yaml"
ADDRESS = "https://example.org/owner/name"
CASES = [
    # page in the site, link as written, link in the site without and with an address of the repository
    ("index.md", "[a](docs/how-to/docker.md)", "[a](how-to/docker.md)", None),
    ("index.md", "![a](docs/images/ways.png)", "![a](images/ways.png)", None),
    ("index.md", "[a](CONTRIBUTING.md)", "[a](contributing.md)", None),
    ("contributing.md", "[`a`](docs/statistics.md#model)", "[`a`](statistics.md#model)", None),
    ("kernels.md", "[a](../kernels/README.md)", "[a](kernels-package.md)", None),
    ("how-to/docker.md", "[a](../../README.md#try-it)", "[a](../index.md#try-it)", None),
    ("how-to/docker.md", "[a](../config.md)", "[a](../config.md)", None),
    (
        "how-to/docker.md",
        f"[a]({CODE})",
        "a (`examples/sklearn-zoo/study.yaml`)",
        f"[a]({ADDRESS}/blob/HEAD/examples/sklearn-zoo/study.yaml)",
    ),
    ("index.md", "[config.yaml](config.yaml)", "`config.yaml`", f"[config.yaml]({ADDRESS}/blob/HEAD/config.yaml)"),
    ("index.md", "[a](https://example.org/x.md)", "[a](https://example.org/x.md)", None),
    ("index.md", "[a](#try-it)", "[a](#try-it)", None),
    ("index.md", "`[a](config.yaml)`", "`[a](config.yaml)`", None),
    ("index.md", "```\n[a](config.yaml)\n```", "```\n[a](config.yaml)\n```", None),
    ("index.md", "[a](docs/gone.md)", "[a](docs/gone.md)", None),  # mkdocs reports it
]


@pytest.mark.parametrize(("place", "written", "alone", "with_address"), CASES)
def test_links_lead_to_pages_of_the_site_or_to_the_repository(
    place: str, written: str, alone: str, with_address: str | None, hooks: ModuleType
) -> None:
    assert hooks.rewritten(written, place, None) == alone
    assert hooks.rewritten(written, place, ADDRESS) == (with_address or alone)


def test_tables_and_details_read_as_in_the_repository(hooks: ModuleType) -> None:
    assert hooks.as_on_the_web("| `a \\| b` | c \\| d |") == "| `a | b` | c \\| d |"
    assert hooks.as_on_the_web("`a \\| b`\n<details>\n") == "`a \\| b`\n<details markdown>\n"


@pytest.mark.parametrize(
    ("heading", "anchor"), [("`datasets.validation[]`", "datasetsvalidation"), ("The paper's own", "the-papers-own")]
)
def test_anchors_are_those_of_the_repositorys_web_view(heading: str, anchor: str, hooks: ModuleType) -> None:
    assert hooks.anchor(heading.replace("`", ""), "-") == anchor


def test_the_reference_has_every_public_function(hooks: ModuleType) -> None:
    assert sorted(re.findall(r"^::: kernels\.\w+\.(\w+)$", hooks.functions_page(), re.M)) == sorted(kernels.__all__)


def pages_in(nav: Any) -> Iterator[str]:
    for entry in nav:
        [value] = entry.values()
        yield from [value] if isinstance(value, str) else pages_in(value)


def test_the_contents_list_names_every_page_once(hooks: ModuleType) -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    docs = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert sorted(pages_in(settings["nav"])) == sorted({*docs, *hooks.PAGES, hooks.FUNCTIONS})
    assert all((ROOT / source).is_file() for source in hooks.PAGES.values())


def test_the_packages_of_the_site_are_pinned_and_ruff_is_the_linters_version() -> None:
    def pins(path: Path) -> dict[str, str]:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
        assert all(re.fullmatch(r"[\w.-]+==[\w.]+( ; .*)?", line) for line in lines), path
        return {name.lower(): version for name, version in (line.split(" ")[0].split("==") for line in lines)}

    ours, workflow = pins(ROOT / "docs" / "requirements.lock"), pins(ROOT / "requirements.lock")
    assert {"mkdocs-material", "mkdocstrings-python"} <= ours.keys()
    assert ours["ruff"] == workflow["ruff"]
