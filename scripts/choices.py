from scripts.lib.choices.study import labelled_sets, settings_of, splits_of
from scripts.lib.choices.tables import choices_table, held_out_table
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_table, save_table

with job(snakemake):
    params, inputs = snakemake.params, dict(snakemake.input.items())
    device, members = choose_device(params.device, snakemake.threads), len(params.members)
    sets = labelled_sets(inputs, params.datasets, params.members)
    settings = settings_of(params.deployment, load_table(inputs["members"]), params.largest, params.seed)
    splits = splits_of(params.deployment, load_table(inputs["temperatures"]), members, params.seed, device)
    over = params.deployment["over"]
    chosen = choices_table(sets, over, splits, settings)
    save_table(snakemake.output.choices, chosen)
    save_table(snakemake.output.held_out, held_out_table(sets, chosen, over, splits))
