"""What the page consists of beside its text: style, scripts and data inside the file, and the policy that allows them.

The scripts in report/page/ are modules of plain JavaScript. The page holds them as one script without imports, because
a file that is opened from a disk may not load modules. A digest in the page's policy allows exactly this script.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

# In the order in which they follow each other in the page: a module imports only those above it.
MODULES = (
    "contents",
    "colours",
    "dom",
    "numbers",
    "tables",
    "block",
    "patterns",
    "ensembles",
    "state",
    "answers",
    "picker",
    "axes",
    "filters",
    "window",
    "painter",
    "density",
    "gestures",
    "view",
    "cloudcontrols",
    "cloudlist",
    "cloud",
    "clusters",
    "heat",
    "pairs",
)
IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class)\b)", re.MULTILINE)


@dataclass(frozen=True)
class PageParts:
    """The style and the script of the page, and the policy that names them by their digests."""

    style: Markup
    script: Markup
    policy: str


def page_parts(folder: Path) -> PageParts:
    """From the files in report/page/."""
    style, code = f"\n{(folder / 'page.css').read_text(encoding='utf-8')}", bundle(folder)
    policy = f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(code)}"
    return PageParts(Markup(style), Markup(code), f"{policy}; base-uri 'none'; form-action 'none'")


def bundle(folder: Path) -> str:
    """All modules as one script: without their imports, and each name in the scope that they share."""
    parts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in (*MODULES, "main")]
    body = "\n".join(EXPORT.sub("", IMPORT.sub("", part)) for part in parts)
    return f'\n"use strict";\n(() => {{\n{body}}})();\n'


def as_data(content: Mapping[str, Any]) -> Markup:
    """JSON that can stand in a page: no text in it can end the element that holds it."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # These also cannot begin a comment, or end a line in JavaScript.
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
