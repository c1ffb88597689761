from pathlib import Path

from scripts.lib.jobs.checksums import require_undamaged
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_array, load_json, load_lines
from scripts.lib.members.runs import predictions_of
from scripts.lib.members.spec import Run
from scripts.lib.reading.align_predictions import all_names, save_predictions

with job(snakemake):
    files, params, dataset = snakemake.input, snakemake.params, snakemake.wildcards.dataset
    require_undamaged(files.set_record, images=files.images, samples=files.samples)
    samples, folder = load_lines(files.samples), Path(snakemake.output.record).parent
    run = Run(
        member=params.member,
        file=next(iter(files.file), None),
        dataset=dataset,
        images=load_array(files.images),
        samples=samples,
        classes=all_names(load_json(files.classes)),
        stored=params.stored,
        folder=folder,
        threads=snakemake.threads,
    )
    save_predictions(folder, params.member["id"], dataset, samples, *predictions_of(run))
