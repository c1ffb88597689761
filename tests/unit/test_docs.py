"""What the documentation shows is valid."""

import re
from pathlib import Path

import pytest
import yaml

from scripts.lib.study import ROOT, resolve

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


def test_the_study_of_the_how_to_on_own_images_is_valid() -> None:
    page = (ROOT / "docs" / "how-to" / "use-your-own-images.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(resolve(yaml.safe_load(block))["members"]) == 3


@pytest.mark.parametrize("block", range(2))
def test_members_of_the_how_to_are_valid(block: int) -> None:
    page = (ROOT / "docs" / "how-to" / "add-a-member.md").read_text(encoding="utf-8")
    text = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[block]
    members = yaml.safe_load(text if text.startswith("members:") else f"members:\n{text}")["members"]
    study = yaml.safe_load((ROOT / "config" / "test.yaml").read_text(encoding="utf-8"))
    study["members"] += members
    assert resolve(study)["members"][-1]["id"] == members[0]["id"]


def test_the_backbone_of_the_how_to_is_valid() -> None:
    page = (ROOT / "docs" / "how-to" / "add-a-member.md").read_text(encoding="utf-8")
    [text] = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if block.startswith("backbones:")]
    study = yaml.safe_load((ROOT / "config" / "test.yaml").read_text(encoding="utf-8")) | yaml.safe_load(text)
    assert len(resolve(study | {"baseline": None})["members"]) == 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert missing == []
