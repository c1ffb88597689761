from scripts.lib.ensembles.held_out import evaluation_split, held_out, resampled
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_table, save_array, save_table

with job(snakemake):
    params, inputs = snakemake.params, dict(snakemake.input.items())
    device = choose_device(params.device, snakemake.threads)
    files = RecordedFiles.declared(snakemake.wildcards.dataset, params.members, inputs)
    samples = evaluation_split(files, params.share, params.seed, device)
    own = load_table(inputs["own"]) if "own" in inputs else None
    counts = [int(load_table(inputs[name])["samples"][0]) for name in ("accuracies", "clean_accuracies")]
    chosen = load_table(inputs["chosen"])
    table, correct = held_out(samples, chosen, own, params.consensus, counts[0] == counts[1])
    save_table(snakemake.output.table, table)
    save_array(snakemake.output.resampled, resampled(correct, params.seed))
