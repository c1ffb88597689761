"""Attribution maps of every member for some images of the first dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, StudyOutline
from scripts.lib.report.labels import MOST_MAPS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]]) -> Figure:
    import numpy as np

    from scripts.lib.jobs.storage import load_array, load_json, load_table
    from scripts.lib.report.drawings.attributions import draw_attributions, spread

    [images], [labels], [classes], [described] = (files[name] for name in ("images", "labels", "classes", "members"))
    [predictions], [attributions] = files["predictions"], files["attributions"]
    everyone = load_table(described).sort("position")["member"]
    members = spread([member for member in everyone if Path(attributions, f"{member}.npy").exists()])
    maps = [load_array(f"{attributions}/{member}.npy") for member in members]
    count = min(len(member) for member in maps)
    predicted = np.stack([load_array(f"{predictions}/{member}.npy")[:count].argmax(axis=1) for member in members])
    return draw_attributions(load_array(images), load_array(labels), load_json(classes), members, predicted, maps)


def inputs(study: StudyOutline) -> dict[str, list[str]]:
    """Files of the first dataset; members without attributions are not shown."""
    shown = study.datasets[0]
    return {
        "images": [f"images/{shown}.npy"],
        "labels": [f"labels/{shown}.npy"],
        "classes": ["classes.json"],
        "members": ["members.parquet"],
        "predictions": [f"predictions/{shown}"],
        "attributions": [f"attributions/{shown}"],
    }


SPEC = FigureSpec(
    name="attributions",
    order=70,
    title="Where each member looks",
    caption="The left column is the image with its class. Each other column shows, over a dark copy of the image, how "
    "much each pixel contributed to the class that is explained (brighter pixels contributed more), and which class "
    "the member predicted. Most members classify the first image correctly; the other images are those on which the "
    f"members disagree most. Of more than {MOST_MAPS} members, {MOST_MAPS} are shown, at equal distances in the order "
    "of the study.",
    alternative="Gallery of images and, for each member, a heat map of the pixels that contributed, with the predicted"
    " class.",
    inputs=inputs,
    draw=draw,
    exists=lambda study: bool(study.members_with_network),
    photographs=True,
)
