from pathlib import Path

from scripts.lib.jobs.checksums import recorded_checksums, require_undamaged
from scripts.lib.jobs.finished_parts import FinishedParts
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_array, load_json, load_lines
from scripts.lib.members.runs import predictions_of
from scripts.lib.members.spec import Run
from scripts.lib.reading.align_predictions import all_names, save_predictions

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    finished = FinishedParts(params.finished_parts)
    sets = zip(params.datasets, files.images, files.samples, files.set_records, files.classes, strict=True)
    for dataset, images, samples, set_record, classes in sets:
        require_undamaged(set_record, images=images, samples=samples)
        checksums = recorded_checksums(set_record)
        run = Run(
            member=params.member,
            file=next(iter(files.file), None),
            dataset=dataset,
            images=load_array(images),
            samples=load_lines(samples),
            classes=all_names(load_json(classes)),
            stored=params.stored,
            folder=Path(params.finished_parts),
            threads=snakemake.threads,
        )
        key = {
            "dataset": dataset,
            "set": {name: checksums[name] for name in ("images", "samples")},
            "classes": run.classes,
            "member": params.member,
            "files": params.files,
            "stored": params.stored,
            "code": params.code,
        }
        finished.provide(
            key,
            Path(snakemake.output[0], dataset),
            lambda folder, run=run: save_predictions(
                folder / "predictions.npy", run.member["id"], run.dataset, run.samples, *predictions_of(run)
            ),
        )
    finished.remove_others()
