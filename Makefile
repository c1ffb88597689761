# Targets: see `make help`. Works from any folder: make -C path/to/ensemble-diversity demo
SHELL := /bin/bash
ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
PYTHON ?= python3
# The folder of the packages, and the folder for data, results and logs. A container image uses other folders.
VENV ?= $(ROOT)/.venv
WORK ?= $(ROOT)
# The folder of the packages that make the documentation's site, which are others than those of the workflow.
DOCS_VENV ?= $(ROOT)/.docs-venv
BIN := $(VENV)/bin
SNAKEFILE := --snakefile "$(ROOT)/Snakefile"
# The value of a switch such as FULL=1; nothing if it is turned off.
on = $(filter-out 0 no No NO off false False FALSE,$(1))
IN := cd "$(ROOT)" && export PATH="$(BIN):$$PATH" &&

.PHONY: help predict init demo demo-quick example-sklearn example-timm test fuzz test-slurm snakedeploy test-ecosystem test-image proof check-data estimate unpack-imagenet lint format docs docs-site docs-setup archive archive-predictions verify-study publish-study setup install clean

help:
	@echo "make demo   install into .venv and run the built-in study (10 to 35 minutes on two cores)"
	@echo "make demo-quick  the same with only six of the members"
	@echo "make init MODELS=folder LABELS=folder [CLEAN=set] [SKIP_INCOMPLETE=1] [OUTPUT=my-zoo.yaml]  write a study file for your files of predictions, MODELS/set/model.csv (or IMAGES=folder, for models)"
	@echo "make example-sklearn  run a study of 28 scikit-learn classifiers, as files of predictions (2 to 4 minutes)"
	@echo "make example-timm     run a study of timm checkpoints of seven architectures (2 to 3 minutes)"
	@echo "make predict DEPLOYMENT=results/STUDY/deployment.json PREDICTIONS=folder (or IMAGES=folder) OUTPUT=file.csv [CHOICE=name] [VALUES=logits] [STUDY=results/STUDY] [ONNX=file.onnx]  apply the deployed ensemble (LIST=1: only list the choices)"
	@echo "make test   install into .venv and run all tests"
	@echo "make fuzz [MINUTES=10] [TARGETS='csv labels']  test the file readers with damaged and unusual files (or REPLAY=folder)"
	@echo "make proof  run every member of the paper's study for a few steps at 224 pixels (7 minutes)"
	@echo "make check-data CONFIG=config/paper.yaml [FULL=1]  report what is missing, wrong or truncated in a study file, and in the files and images that it names"
	@echo "make estimate CONFIG=config/paper.yaml [DEVICES=4]  estimate hours, wall time and disk space of a study, from a few steps on this machine"
	@echo "make unpack-imagenet ARCHIVES=/path  unpack ImageNet's original archives into data/imagenet"
	@echo "make test-slurm   run the digits study, with failures, on a two-node SLURM that is started for it (Debian, root; 20 minutes)"
	@echo "make test-ecosystem   run a project made by snakedeploy, and the digits study on jobs without a shared file system (needs rsync)"
	@echo "make test-image   build the container image and run a study in it (Debian, root; 10 minutes)"
	@echo "make lint   run formatters, linters and type checker in check mode"
	@echo "make docs   write docs/config.md and docs/measures.md again"
	@echo "make docs-site   make the documentation's site in the folder site, and check its links"
	@echo "make archive [CONFIG=study.yaml]              pack tables, figures and report of a study into one file with checksums"
	@echo "make archive-predictions [CONFIG=study.yaml]  pack its predictions, from which its tables can be computed again"
	@echo "make verify-study CONFIG=study.yaml ARCHIVE=study.predictions.tar.gz [PUBLISHED=folder]  compute them again and compare"
	@echo "make publish-study CONFIG=study.yaml FOLDER=folder [FIGURES=\"names\"]  copy report, tables as text and figures into a repository, with checksums"
	@echo "make clean  remove results and logs (data and .venv are kept)"

demo: setup
	@echo "The built-in study: fifteen members on Fashion-MNIST, from training to the report. On two cores this takes 10 to 35 minutes; if it is stopped, the same command goes on."
	@$(IN) cd "$(WORK)" && export PYTHONPATH="$(ROOT)" && \
	  python -m scripts.lib.jobs.locks $(SNAKEFILE) && snakemake $(SNAKEFILE) --cores all
	@echo "The report: file://$(WORK)/results/fashion-mnist/report.html"

demo-quick: setup
	@echo "A study of six members on Fashion-MNIST, from training to the report. On two cores this takes 4 to 6 minutes, longer on a busy machine; if it is stopped, the same command goes on."
	@$(IN) cd "$(WORK)" && export PYTHONPATH="$(ROOT)" && \
	  python -m scripts.lib.jobs.locks $(SNAKEFILE) && snakemake $(SNAKEFILE) --cores all --configfile "$(ROOT)/config/quick.yaml"
	@echo "The report: file://$(WORK)/results/fashion-mnist-quick/report.html"

example-sklearn: setup
	@$(IN) cd "$(WORK)" && export PYTHONPATH="$(ROOT)" && python "$(ROOT)/examples/sklearn-zoo/make_zoo.py" data/sklearn-zoo && \
	  snakemake $(SNAKEFILE) --cores all --configfile "$(ROOT)/examples/sklearn-zoo/study.yaml"
	@echo "The report: file://$(WORK)/results/sklearn-zoo/report.html"

example-timm: setup
	@$(IN) cd "$(WORK)" && export PYTHONPATH="$(ROOT)" && python "$(ROOT)/examples/timm-zoo/make_zoo.py" data/timm-zoo && \
	  snakemake $(SNAKEFILE) --cores all --configfile "$(ROOT)/examples/timm-zoo/study.yaml"
	@echo "The report: file://$(WORK)/results/timm-zoo/report.html"

init: setup
	@test -n "$(MODELS)" || { echo "Name the folder of the predictions or models: make init MODELS=folder LABELS=folder (or IMAGES=folder)"; exit 1; }
	@export PYTHONPATH="$(ROOT)" PATH="$(BIN):$$PATH" && \
	  python -m scripts.lib.study.init "$(MODELS)" $(if $(IMAGES),--images "$(IMAGES)") $(if $(LABELS),--labels "$(LABELS)") \
	  $(if $(CLEAN),--clean "$(CLEAN)") $(if $(call on,$(SKIP_INCOMPLETE)),--skip-incomplete) --output "$(or $(OUTPUT),my-zoo.yaml)"

predict: setup
	@test -n "$(DEPLOYMENT)" || { echo "Name the study's answer: make predict DEPLOYMENT=results/STUDY/deployment.json PREDICTIONS=folder OUTPUT=predictions.csv (or IMAGES=folder, or ONNX=file.onnx)"; exit 1; }
	@export PYTHONPATH="$(ROOT)" PATH="$(BIN):$$PATH" && python -m scripts.lib.predict "$(DEPLOYMENT)" $(if $(CHOICE),--choice "$(CHOICE)") \
	  $(if $(PREDICTIONS),--predictions "$(PREDICTIONS)") $(if $(IMAGES),--images "$(IMAGES)") \
	  $(if $(VALUES),--values "$(VALUES)") $(if $(STUDY),--study "$(STUDY)") $(if $(call on,$(LIST)),--list) \
	  $(if $(OUTPUT),--output "$(OUTPUT)") $(if $(ONNX),--onnx "$(ONNX)")

check-data: setup
	@$(IN) python -m scripts.lib.study.check_data "$(or $(CONFIG),config.yaml)" $(if $(call on,$(FULL)),--full)

estimate: setup
	@$(IN) python -m scripts.lib.study.estimate "$(or $(CONFIG),config.yaml)" --devices="$(or $(DEVICES),1)"

unpack-imagenet: setup
	@test -n "$(ARCHIVES)" || { echo "Name the folder of the archives: make unpack-imagenet ARCHIVES=/path"; exit 1; }
	@$(IN) python -m scripts.lib.datasets.imagenet_archives "$(ARCHIVES)" data/imagenet

proof: setup
	@$(IN) python -m pytest -m proof tests/workflow

test: setup
	@$(IN) export PATH="$$PATH:$(VENV)-snakedeploy/bin" && python -m pytest tests/unit tests/fuzz tests/workflow --numprocesses 2 --dist loadfile --no-loadscope-reorder

fuzz: setup
	@$(IN) python -m tests.fuzz --minutes $(or $(MINUTES),10) $(if $(REPLAY),--replay "$(REPLAY)") $(if $(call on,$(ATHERIS)),--atheris) $(TARGETS)

test-slurm: setup
	@$(IN) python -m tests.cluster.slurm && python -m pytest tests/cluster

# In an environment of its own, because only one test needs its packages.
snakedeploy:
	@test -x "$(VENV)-snakedeploy/bin/snakedeploy" || { $(PYTHON) -m venv --clear "$(VENV)-snakedeploy" && \
	  "$(VENV)-snakedeploy/bin/python" -m pip install --quiet snakedeploy==0.17.1; } || \
	  echo "snakedeploy could not be installed: its test is left out"

test-ecosystem: setup snakedeploy
	@$(IN) export PATH="$$PATH:$(VENV)-snakedeploy/bin" && \
	  python -m pytest -m "not proof" tests/workflow/test_snakedeploy.py tests/workflow/test_without_shared_folder.py

test-image: setup
	@$(IN) tests/container/test_image

lint: setup
	@$(IN) ruff check . && ruff format --check . && snakefmt --check Snakefile workflow/Snakefile rules && mypy && \
	  snakemake --lint && python -m scripts.lib.study.config_reference --check && \
	  python -m scripts.lib.measures.reference --check

format: setup
	@$(IN) ruff check --fix . && ruff format . && snakefmt Snakefile workflow/Snakefile rules

docs: setup
	@$(IN) python -m scripts.lib.study.config_reference && python -m scripts.lib.measures.reference

# Without --quiet, with which mkdocs does not count the warnings that --strict refuses.
docs-site: docs-setup
	@$(IN) NO_MKDOCS_2_WARNING=1 "$(DOCS_VENV)/bin/mkdocs" build --strict
	@echo "The site: file://$(ROOT)/site/index.html (with search: python3 -m http.server --directory \"$(ROOT)/site\")"

docs-setup:
	@cmp -s "$(ROOT)/docs/requirements.lock" "$(DOCS_VENV)/.installed" || \
	  { $(PYTHON) -m venv --clear "$(DOCS_VENV)" && \
	    "$(DOCS_VENV)/bin/python" -m pip install --quiet --requirement "$(ROOT)/docs/requirements.lock" && \
	    cp "$(ROOT)/docs/requirements.lock" "$(DOCS_VENV)/.installed"; } || \
	  { echo "The packages of docs/requirements.lock could not be installed into $(DOCS_VENV): see the message above"; exit 1; }

# A copy of the lock file records what is installed. Its content is compared, not the time at which git wrote it.
setup:
	@cmp -s "$(ROOT)/requirements.lock" "$(VENV)/.installed" || $(MAKE) --no-print-directory -f "$(ROOT)/Makefile" install

install:
	@test ! -L "$(VENV)" || \
	  { echo "$(VENV) is a link to an environment with other packages, which is not overwritten. Remove the link, or name another folder: make VENV=/path"; exit 1; }
	@command -v $(PYTHON) > /dev/null || \
	  { echo "Missing: Python 3.11 or newer ($(PYTHON) was not found). Install it, or name an interpreter: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Missing: Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Name another interpreter: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2> /dev/null || \
	  { echo "Missing: Python's venv module. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Installing into $(VENV) (about 2.5 GB, or several more with the CUDA build of torch; a few minutes) ..."
	@$(PYTHON) -m venv --clear "$(VENV)"
	@"$(BIN)/python" -m pip install --quiet --requirement "$(ROOT)/requirements.lock" || \
	  { echo "The installation failed: see pip's message above (possible causes: no network, no disk space, no package for this Python)"; exit 1; }
	@cp "$(ROOT)/requirements.lock" "$(VENV)/.installed"

# Pack a study: $(1) is what the file's name ends in.
STUDY_FILE = $(abspath $(or $(CONFIG),$(ROOT)/config.yaml))
define pack
	@export PYTHONPATH="$(ROOT)" PATH="$(BIN):$$PATH" && cd "$(WORK)" && name=$$(python -m scripts.lib.study.file "$(STUDY_FILE)") && \
	  snakemake $(SNAKEFILE) --configfile "$(STUDY_FILE)" --cores all "results/$$name$(1)" && \
	  echo "The archive: file://$(WORK)/results/$$name$(1)"
endef

archive: setup
	$(call pack,.tar.gz)

archive-predictions: setup
	$(call pack,.predictions.tar.gz)

verify-study: setup
	@test -n "$(CONFIG)" -a -n "$(ARCHIVE)" || { echo "Name the study and its predictions: make verify-study CONFIG=config/STUDY.yaml ARCHIVE=STUDY.predictions.tar.gz [PUBLISHED=folder of its tables]"; exit 1; }
	@export PYTHONPATH="$(ROOT)" PATH="$(BIN):$$PATH" && python -m scripts.lib.study.verify "$(CONFIG)" "$(ARCHIVE)" $(if $(PUBLISHED),--published "$(PUBLISHED)")

publish-study: setup
	@test -n "$(CONFIG)" -a -n "$(FOLDER)" || { echo "Name the study and a folder: make publish-study CONFIG=config/STUDY.yaml FOLDER=docs/studies/STUDY [FIGURES=\"NAME NAME\"]"; exit 1; }
	@export PYTHONPATH="$(ROOT)" PATH="$(BIN):$$PATH" && cd "$(WORK)" && \
	  python -m scripts.lib.study.publish "$(abspath $(CONFIG))" "$(abspath $(FOLDER))" $(if $(FIGURES),--figures $(FIGURES))

clean:
	@$(IN) rm -rf results logs .snakemake
