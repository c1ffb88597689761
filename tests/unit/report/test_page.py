"""Style, script and data inside the page, and the policy that allows only these."""

import base64
import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from scripts.lib.jobs.paths import ROOT
from scripts.lib.report.page import MODULES, as_data, bundle, page_parts

FOLDER = ROOT / "report/page"
FILES = sorted(FOLDER.glob("*.js"))


def test_every_module_is_in_the_page() -> None:
    assert {path.stem for path in FILES} == {*MODULES, "main"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_module_imports_only_modules_that_come_before_it(path: Path) -> None:
    order = [*MODULES, "main"]
    imported = re.findall(r'^import [^;]* from "\./(\w+)\.js";$', path.read_text(encoding="utf-8"), re.MULTILINE)
    assert all(order.index(name) < order.index(path.stem) for name in imported)


def test_the_modules_share_one_scope_without_a_name_twice() -> None:
    names = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", bundle(FOLDER), re.MULTILINE)
    assert len(names) > 50
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_the_script_has_no_imports_exports_or_end_of_its_element() -> None:
    script = bundle(FOLDER)
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
    assert "</script" not in script
    for forbidden in ("eval(", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "fetch(", "http://"):
        assert forbidden not in script


@pytest.mark.parametrize("path", [*FILES, FOLDER / "page.css"], ids=lambda path: path.name)
def test_files_are_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 300
    assert max(map(len, lines)) <= 130


def test_the_policy_names_the_digests_of_style_and_script_and_nothing_unsafe() -> None:
    parts = page_parts(FOLDER)
    for text in (parts.style, parts.script):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in parts.policy
    assert "unsafe" not in parts.policy
    assert parts.policy.startswith("default-src 'none'; ")


def test_no_text_can_end_the_element_that_holds_the_data() -> None:
    content = {"name": "</script><script>alert(1)</script><!-- \u2028 & ü"}
    text = as_data(content)
    assert "<" not in text
    assert json.loads(text) == content


def test_a_number_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_data({"value": float("nan")})
