from scripts.lib.ensembles.counting import Question, count_in_files
from scripts.lib.ensembles.counts import save_tallies
from scripts.lib.ensembles.image_groups import groups_table, kept_in_groups
from scripts.lib.ensembles.subsets import subsets
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_table
from scripts.lib.measures.tables import positions_compared

with job(snakemake):
    dataset, params, output = snakemake.wildcards.dataset, snakemake.params, snakemake.output
    settings = params.ensembles
    chosen = subsets(len(params.members), settings["sizes"], settings["per_size"], params.seed)
    compared = positions_compared(params.members, params.compared)
    kept = kept_in_groups(chosen, compared.values(), params.seed)
    question = Question(chosen, settings["consensus"], kept.rows)
    device = choose_device(params.device, snakemake.threads)
    files = RecordedFiles.declared(dataset, params.members, dict(snakemake.input.items()))
    counted = count_in_files(files, question, device, int(snakemake.wildcards.shard), params.shards)
    save_tallies(output.joint, output.counts, output.scores, counted.halves)
    save_table(output.groups, groups_table(counted.groups))
