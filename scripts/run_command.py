from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_array, load_json, load_lines, require_undamaged
from scripts.lib.members.commands import run_command
from scripts.lib.tables.prediction_files import all_names, save_predictions

with job(snakemake):
    files, member, dataset = snakemake.input, snakemake.params.member, snakemake.wildcards.dataset
    require_undamaged(files.set_record, images=files.images, samples=files.samples)
    samples, classes = load_lines(files.samples), all_names(load_json(files.classes))
    folder = Path(snakemake.output.record).parent
    result = run_command(member, dataset, load_array(files.images), classes, folder)
    save_predictions(folder, member["id"], dataset, samples, *result)
