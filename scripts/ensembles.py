from scripts.lib.ensembles.counting import Counted, Question, count_in_files
from scripts.lib.ensembles.counts import load_tallies
from scripts.lib.ensembles.halves import halves_table
from scripts.lib.ensembles.image_groups import compact, groups_table, kept_in_groups, load_groups
from scripts.lib.ensembles.subsets import subsets
from scripts.lib.ensembles.tables import accuracies_table, ensembles_table
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_table
from scripts.lib.measures.tables import load_pairwise, positions_compared

with job(snakemake):
    dataset, params, files = snakemake.wildcards.dataset, snakemake.params, snakemake.input
    settings, members = params.ensembles, len(params.members)
    chosen = subsets(members, settings["sizes"], settings["per_size"], params.seed)
    compared = positions_compared(params.members, params.compared)
    in_groups = kept_in_groups(chosen, compared.values(), params.seed).rows
    if files.get("joint"):
        halves = load_tallies(files.joint, files.counts, files.scores)
        counted = Counted(halves, load_groups(files.groups, members, len(in_groups)))
    else:
        device = choose_device(params.device, snakemake.threads)
        recorded = RecordedFiles.declared(dataset, params.members, dict(files.items()))
        counted = count_in_files(recorded, Question(chosen, settings["consensus"], in_groups), device)
    tally = counted.halves[0] + counted.halves[1]
    pairwise = {
        measure: load_pairwise(path, params.members, params.compared[measure])
        for measure, path in zip(params.measures, files.pairwise, strict=True)
    }
    baseline = params.members.index(params.baseline) if params.baseline else None
    save_table(snakemake.output.accuracies, accuracies_table(dataset, params.members, counted.halves))
    save_table(snakemake.output.halves, halves_table(counted.halves))
    save_table(snakemake.output.groups, compact(groups_table(counted.groups)))
    save_table(snakemake.output.ensembles, ensembles_table(tally, chosen, pairwise, baseline))
