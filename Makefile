# make run: install and run everything on the embedded sample; make test: all tests. `make help` lists the rest.

VENV := .venv
BIN := $(VENV)/bin
CORES ?= all
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help run plan test test-all slurm-test lint install schema lock forget pull checkout link clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: install  ## install, run the whole pipeline, and say where the page is
	$(BIN)/snakemake --cores $(CORES) all
	@echo "open results/report/index.html in a browser"

plan: install  ## print what the settings in params.yaml will need: memory, disk, and which GPUs have room
	$(BIN)/python -m facedance.plan

test: install  ## run the tests that tell whether it works here
	$(PYTEST) tests -m "not thorough"

test-all: install  ## run all tests: faults, DVC, a full disk, a hub on loopback, a Slurm and the laboratory too
	$(PYTEST) tests lab/tests

slurm-test: install  ## render the sample on a Slurm of one node, started for it (as root; Debian: slurmctld slurmd slurm-client munge)
	$(BIN)/python -m pytest -q tests/workflow -m slurm

lint: install  ## check style, types and the workflow
	$(BIN)/ruff format --check src scripts tests benchmarks lab requirements .ci
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules lab/Snakefile lab/rules
	$(BIN)/snakemake --lint
	$(BIN)/snakemake --snakefile lab/Snakefile --lint

install:  ## make .venv for this machine; LOCK=requirements/gpu.txt or cpu.txt and PYTHON=python3.12 choose another
	@$(or $(PYTHON),$(wildcard $(BIN)/python),python3) requirements/install.py --venv $(VENV) $(LOCK)

schema:  ## write params.schema.json and docs/parameters.md from the typed parameters
	$(BIN)/python -m facedance.config.reference

pull: install  ## bring data, weights and results of this revision from DVC's remote, as up to date as they were recorded
	$(BIN)/dvc pull
	$(SETTLE)

checkout: install  ## the same from DVC's cache, after `git checkout` of another revision
	$(BIN)/dvc checkout
	$(SETTLE)

link:  ## let weights recorded with DVC lie on the disk once: hard links from models/ into DVC's cache
	@find models -type f -printf 'touch -d @%T@ "%p"\n' > .times
	$(BIN)/dvc config --local cache.type hardlink,symlink,copy
	$(BIN)/dvc checkout --relink models; done=$$?; $(BIN)/dvc config --local --unset cache.type; \
	sh .times && rm .times && exit $$done

# One time for all: whatever is changed from now on is newer, and nothing else is. To Snakemake, benchmarks are outputs as well.
SETTLE := mkdir -p data models results logs && touch .settled && \
	find data models results logs -exec touch -h -r .settled {} + && rm .settled

forget: install  ## remove what was made of one person: IDENTITY=ann; PHOTOS=yes removes the photos too
	@$(BIN)/python -m facedance.privacy.forget "$(IDENTITY)" $(if $(filter yes,$(PHOTOS)),--photos)

clean:  ## remove results, logs and training checkpoints; keep data, weights and the environment
	rm -rf results logs .cache .snakemake
