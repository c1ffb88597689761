from scripts.lib.ensembles.selection import COLUMNS, best_ensembles
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_table, save_table

with job(snakemake):
    params, inputs = snakemake.params, dict(snakemake.input.items())
    device = choose_device(params.device, snakemake.threads)
    # Predictions are inputs only where the best ensembles are not among those that were evaluated.
    searched = "records" in inputs
    files = RecordedFiles.declared(snakemake.wildcards.dataset, params.members, inputs) if searched else None
    accuracies = load_table(inputs["accuracies"]).sort("position")["accuracy"].to_numpy()
    evaluated = load_table(inputs["ensembles"], list(COLUMNS[:-1]))
    save_table(snakemake.output[0], best_ensembles(evaluated, accuracies, params.ensembles, files, device))
