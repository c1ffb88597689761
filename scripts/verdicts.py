from scripts.lib.ensembles.subsets import subsets
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_table
from scripts.lib.observations.study import Decision, files_of_study, verdicts_table

with job(snakemake):
    params, settings = snakemake.params, snakemake.params.ensembles
    files = files_of_study(dict(snakemake.input.items()), params.datasets, params.members, params.with_attributions)
    chosen = subsets(len(params.members), settings["sizes"], settings["per_size"], params.seed)
    study = {"members": params.entries, "groups": params.groups}
    decision = Decision(settings["consensus"][0], params.permutations, params.seed)
    table = verdicts_table(files, chosen, study, decision)
    save_table(snakemake.output[0], table)
