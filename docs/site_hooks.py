"""Hooks of mkdocs, so that the files in docs/ read well both in the repository and as a site.

Links lead to files of the repository. Those to pages of the site become links to these pages. Those to other files lead
to the repository, if CITATION.cff states its address (`repository-code`); otherwise their text remains.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DOCS = "docs/"
# Pages that are elsewhere in the repository: their place in the site, and their file.
PAGES = {
    "index.md": "README.md",
    "kernels-package.md": "kernels/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
    "code-of-conduct.md": "CODE_OF_CONDUCT.md",
}
FUNCTIONS = "kernels-functions.md"
# A link or picture, outside of what is left as it is: fenced blocks and code in a line.
LINK = re.compile(
    r"(?P<code>^```.*?^```|`[^`\n]+`(?!\]))|(?P<mark>!?)\[(?P<text>[^\]\n]*)\]\((?P<to>[^)\s]+)\)", re.M | re.S
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the repository's address from the one place that states it; anchors are those of repositories' web views."""
    if repository := yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8")).get("repository-code"):
        config.repo_url, config.repo_name = repository.rstrip("/"), config.site_name
    config.mdx_configs["toc"]["slugify"] = anchor
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/, and the reference of the kernels."""
    from mkdocs.structure.files import File

    for place, source in PAGES.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))
    files.append(File.generated(config, FUNCTIONS, content=functions_page()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the links of a page, and what this Markdown reads in another way than repositories' web views."""
    return rewritten(as_on_the_web(markdown), page.file.src_uri, config.repo_url)


def as_on_the_web(markdown: str) -> str:
    """`markdown` with Markdown inside of `<details>`, and without backslashes before `|` in the code of a table."""
    markdown = re.sub(r"^<details>$", "<details markdown>", markdown, flags=re.M)
    return re.sub(
        r"^\|.*$",
        lambda row: re.sub(r"`[^`\n]+`", lambda code: code[0].replace(r"\|", "|"), row[0]),
        markdown,
        flags=re.M,
    )


def rewritten(markdown: str, place: str, repository: str | None) -> str:
    """`markdown` of the page at `place` in the site, with links as they are in the site.

    A link to a file that does not exist stays as it is, so that mkdocs reports it.
    """
    folder = posixpath.dirname(PAGES.get(place, DOCS + place))
    places = {source: page for page, source in PAGES.items()}

    def link(found: re.Match[str]) -> str:
        target, _, anchor = (found["to"] or "").partition("#")
        if found["code"] or not target or "://" in target or target.startswith("mailto:"):
            return found[0]
        path = posixpath.normpath(posixpath.join(folder, target))
        page = places.get(path) or (path.removeprefix(DOCS) if path.startswith(DOCS) else None)
        if not (ROOT / path).exists() or (page is None and path.startswith("..")):
            return found[0]
        if page is None and repository is None:
            return f"`{path}`" if path.endswith(found["text"]) else f"{found['text']} (`{path}`)"
        inside = posixpath.relpath(page, posixpath.dirname(place) or ".") if page else f"{repository}/blob/HEAD/{path}"
        return f"{found['mark']}[{found['text']}]({inside}{'#' * bool(anchor)}{anchor})"

    return LINK.sub(link, markdown)


def anchor(heading: str, separator: str) -> str:
    """The anchor of a heading: lower case, without punctuation, and a hyphen for each space."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", separator)


def functions_page() -> str:
    """The reference of the kernels: each public function, in the order of the package."""
    tree = ast.parse((ROOT / "kernels" / "__init__.py").read_text(encoding="utf-8"))
    modules: Mapping[str, str] = {
        alias.name: str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    entries = "\n".join(f"::: kernels.{module}.{name}\n" for name, module in modules.items())
    return (
        "# Functions of the kernels\n\nIn the repository the package is called `kernels`; "
        f"[installed alone](kernels-package.md), it is `ensemble_diversity_kernels`. [Kernels](kernels.md) says how "
        f"they work and how fast they are.\n\n{entries}"
    )
