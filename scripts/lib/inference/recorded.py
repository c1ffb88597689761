"""The recorded files of a validation set: where each member's are, and how they come together."""

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.lib.jobs.storage import link_or_copy


@dataclass(frozen=True)
class RecordedFiles:
    """Files of the members `members` on the validation set `dataset`.

    `records` and `arrays` have one path per member: the record of its predictions, and the array that is compared, such
    as its predictions. `labels`, `samples` and `set_record` belong to the validation set; `classes` lists the classes
    that count on it.
    """

    dataset: str
    members: Sequence[str]
    records: Sequence[str]
    arrays: Sequence[str]
    labels: str
    samples: str
    set_record: str
    classes: str

    @classmethod
    def declared(cls, dataset: str, members: Sequence[str], inputs: Mapping[str, Any]) -> "RecordedFiles":
        """From the inputs of a rule; `records` and `arrays` are the folders with the files of all members."""
        records = [f"{inputs['records']}/{member}.json" for member in members]
        arrays = [f"{inputs['arrays']}/{member}.npy" for member in members]
        of_set = {name: str(inputs[name]) for name in ("labels", "samples", "set_record", "classes")}
        return cls(dataset, list(members), records, arrays, **of_set)


def gather(inferred: Sequence[Path], dataset: str, outputs: Mapping[str, Path], imported: Sequence[str]) -> None:
    """Link everything that was recorded on a validation set into one folder of each kind.

    `inferred` are the folders of members, which have a folder `{dataset}` each; `imported` is none or one folder with
    the predictions in users' files. `outputs` has a folder for the kinds "predictions", which gets the records too,
    and "attributions" and "activations" if some member has them.
    """
    for folder in outputs.values():
        folder.mkdir(parents=True, exist_ok=True)
    for member in inferred:
        for path in (member / dataset).iterdir():
            link_or_copy(path, outputs[path.stem] / f"{member.name}{path.suffix}")
    for path in (path for folder in imported for path in Path(folder).glob("[!.]*")):
        link_or_copy(path, outputs["predictions"] / path.name)


def remedy(path: str | Path) -> str:
    """What to delete so that a damaged file of a member, `…/{kind}/{dataset}/{member}.…`, is made again.

    That is the folder where it was made and the one to which it was linked: Snakemake makes nothing again that only
    existing files need.
    """
    gathered, study = Path(path).parent, Path(path).parents[2]
    made = [study / "inferred" / Path(path).stem, study / "imported" / "predictions" / gathered.name]
    made += [folder.parent for folder in study.glob(f"inferred_groups/*/{glob.escape(Path(path).stem)}")]
    return "Delete " + " and ".join(f"the folder {folder}" for folder in (*made, gathered) if folder.is_dir())
