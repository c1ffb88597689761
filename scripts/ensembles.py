from scripts.lib.ensembles.counts import load_tallies, tally_of_files
from scripts.lib.ensembles.halves import halves_table
from scripts.lib.ensembles.tables import accuracies_table, ensembles_table, subsets
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_table
from scripts.lib.measures.tables import load_pairwise

with job(snakemake):
    dataset, params, files = snakemake.wildcards.dataset, snakemake.params, snakemake.input
    settings = params.ensembles
    chosen = subsets(len(params.members), settings["sizes"], settings["per_size"], params.seed)
    if files.get("joint"):
        halves = load_tallies(files.joint, files.counts, files.scores)
    else:
        device = choose_device(params.device, snakemake.threads)
        recorded = RecordedFiles.declared(dataset, params.members, dict(files.items()))
        halves = tally_of_files(recorded, chosen, settings["consensus"], device)
    tally = halves[0] + halves[1]
    pairwise = {
        measure: load_pairwise(path, params.members, params.compared[measure])
        for measure, path in zip(params.measures, files.pairwise, strict=True)
    }
    baseline = params.members.index(params.baseline) if params.baseline else None
    save_table(snakemake.output.accuracies, accuracies_table(dataset, params.members, halves))
    save_table(snakemake.output.halves, halves_table(halves))
    save_table(snakemake.output.ensembles, ensembles_table(tally, chosen, pairwise, baseline))
