"""The spec of a figure: its name, its texts, its inputs and its drawing function. Needs only the standard library.

Each figure is one `FigureSpec` in a module of `scripts.lib.report.figures`. The rules read the specs before any job, so
these modules import matplotlib, numpy and polars only inside the functions that draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.lib.jobs.registry import Registry

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class StudyOutline:
    """The identifiers of a study, in its order, that decide which figures it has and what they are drawn from."""

    datasets: Sequence[str]
    members: Sequence[str]
    measures: Sequence[str]
    consensus: Sequence[str]
    improvements: Sequence[str]
    members_with_network: Sequence[str] = ()
    members_trained_alone: Sequence[str] = ()
    groups: Sequence[str] = ()  # of members that are trained together
    has_swept_loss: bool = False  # whether groups have different weights of one term
    supernets: Sequence[str] = ()
    searched_supernets: Sequence[str] = ()

    @property
    def has_shift(self) -> bool:
        """Whether there is another validation set than the first, the clean one."""
        return len(self.datasets) > 1

    def tables(self, folder: str) -> list[str]:
        """The tables `{folder}/{dataset}.parquet` of all validation sets."""
        return [f"{folder}/{dataset}.parquet" for dataset in self.datasets]


@dataclass(frozen=True)
class Picture:
    """One file of a figure: its name without suffix, its texts, and which part of the figure's data it shows."""

    name: str
    title: str
    alternative: str  # for readers who cannot see the picture
    shows: Mapping[str, str] = field(default_factory=dict)  # keyword arguments of `FigureSpec.draw`


def _as_they_are(files: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    return files


def nothing_more(study: StudyOutline) -> dict[str, str]:
    """Of a picture that shows all of its files."""
    return {}


def in_every_study(study: StudyOutline) -> bool:
    """A figure that every study has."""
    return True


@dataclass(frozen=True)
class FigureSpec:
    """A figure, or several similar ones that one job draws.

    `inputs` lists the files that it is drawn from, by name, below the study's folder. `draw` gets them under the same
    names, together with what one picture shows, and returns that picture. A figure of several pictures that show the
    same tables has a `read`, so that they are read once: from the files to what `draw` gets instead of them.
    """

    name: str
    order: int  # in the report
    title: str
    caption: str  # of every picture, in report.html and in Snakemake's own report
    inputs: Callable[[StudyOutline], Mapping[str, Sequence[str]]]
    draw: Callable[..., Figure]
    alternative: str = ""  # if the figure is one picture
    shows: Callable[[StudyOutline], Mapping[str, str]] = nothing_more  # of one picture: keyword arguments of `draw`
    # If it is not one picture with the figure's name.
    several: Callable[[StudyOutline], Sequence[Picture]] | None = None
    read: Callable[[Mapping[str, Sequence[str]]], Any] = _as_they_are
    exists: Callable[[StudyOutline], bool] = in_every_study
    photographs: bool = False  # whether it shows images of the study, which a dark page must show as they are

    def pictures(self, study: StudyOutline) -> Sequence[Picture]:
        """The files of the figure in the order of the report."""
        if self.several:
            return self.several(study)
        return [Picture(self.name, self.title, self.alternative, self.shows(study))]


FIGURES: Registry[FigureSpec] = Registry("scripts.lib.report.figures", FigureSpec)


def first_consensus(study: StudyOutline) -> dict[str, str]:
    """For `shows`: the study's first consensus."""
    return {"consensus": study.consensus[0]}


def first_consensus_and_clean(study: StudyOutline) -> dict[str, str]:
    """For `shows`: the study's first consensus and its clean set."""
    return first_consensus(study) | {"clean": study.datasets[0]}


def figures_of(study: StudyOutline) -> list[FigureSpec]:
    """The figures that a study has, in the order of the report."""
    return [figure for figure in FIGURES.values() if figure.exists(study)]


def captioned_pictures(study: StudyOutline) -> list[dict[str, Any]]:
    """Name, texts and `photographs` of every picture of a study, in the order of the report."""
    return [
        {
            "name": shown.name,
            "title": shown.title,
            "caption": figure.caption,
            "alternative": shown.alternative,
            "photographs": figure.photographs,
        }
        for figure in figures_of(study)
        for shown in figure.pictures(study)
    ]


def draw_pictures(
    figure: FigureSpec, files: Mapping[str, Sequence[str]], shown: Mapping[str, Mapping[str, str]], folder: str | Path
) -> None:
    """Draw the pictures `shown` (what each name shows) from `files`; write PNG and PDF of each to `folder`."""
    from scripts.lib.report.drawings.style import save

    content = figure.read(files)
    for name, shows in shown.items():
        save(figure.draw(content, **shows), folder, name)


def tables_by_dataset(paths: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Tables `…/{dataset}.parquet`, by dataset."""
    from scripts.lib.jobs.storage import load_table

    return {Path(path).stem: load_table(path) for path in paths}
