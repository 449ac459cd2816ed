# The front door. Each target sets up what it needs, and each line calls one module; `make help` lists them.

PYTHON ?= python3
RECIPE ?= nano
CORPUS ?= sample
HUB ?= local
ORG ?=
PUBLIC ?=
SET ?=
BUILD ?=
QUESTIONS ?=
REWRITTEN ?= build/rewritten
BASE_URL ?=
MODEL ?=
REVIEWERS ?= reviewer
REPLIES ?= 120

BIN := .venv/bin
NAMESPACE := $(if $(filter local,$(HUB)),local,$(ORG))
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
GPUS := $(shell nvidia-smi --list-gpus 2>/dev/null | wc -l)
# On a CPU two processes share the cores; with one core there is one.
PROCESSES ?= $(if $(filter-out 0,$(GPUS)),$(GPUS),$(if $(filter 1,$(CORES)),1,2))
ACCELERATE ?= $(if $(filter-out 0,$(GPUS)),gpu,cpu)-zero2
THREADS := $(shell expr $(CORES) / $(PROCESSES) \| 1)

TRAINING = --recipe "$(RECIPE)" --corpus soulchat --out build/model $(foreach value,$(SET),--set $(value))

export TOKENIZERS_PARALLELISM := false
export HF_HUB_DISABLE_TELEMETRY := 1
export GRADIO_ANALYTICS_ENABLED := False

.DEFAULT_GOAL := help
.PHONY: help setup data rewrite review train evaluate card push demo hub lint format test prove bench hub-ready

help:  ## this list
	@echo "make TARGET [RECIPE=nano] [CORPUS='sample | [FORMAT:]PATH | hf:REPO …'] [HUB=local|huggingface ORG=…] [PUBLIC=1] [SET=key=value] [BUILD=stage.key=value] [REPLIES=120]"
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: .venv/.installed  ## the virtual environment, pinned by constraints.txt

DECISIONS = $(wildcard build/review/decisions)

data: .venv/.installed $(if $(filter push,$(MAKECMDGOALS)),hub-ready)  ## the corpus, into ./soulchat/: load_dataset("soulchat", "family")
	$(BIN)/python -m dataset_builder build $(CORPUS) $(foreach value,$(BUILD),--set $(value)) \
		$(if $(DECISIONS),--decisions $(DECISIONS))

rewrite: .venv/.installed  ## QUESTIONS into conversations, by MODEL at BASE_URL, into REWRITTEN, by default build/rewritten/; resumes
	@$(if $(and $(QUESTIONS),$(BASE_URL),$(MODEL)),:,echo 'make rewrite needs QUESTIONS=FILE BASE_URL=URL MODEL=NAME' >&2; exit 2)
	$(BIN)/python -m dataset_builder rewrite "$(QUESTIONS)" --base-url "$(BASE_URL)" --model "$(MODEL)" --out "$(REWRITTEN)"

review: .venv/.installed  ## proofread a sample of CORPUS in a browser, for each of REVIEWERS; make data applies it
	$(BIN)/python -m dataset_builder review $(CORPUS) $(foreach name,$(REVIEWERS),--reviewer $(name)) \
		$(if $(QUESTIONS),--questions "$(QUESTIONS)")

train: data  ## RECIPE on the corpus, into build/model/; resumes where it was stopped
	@$(BIN)/python -m training --check $(TRAINING)  # a launcher would bury its one line under a traceback
	$(if $(filter cpu-%,$(ACCELERATE)),DS_ACCELERATOR=cpu) OMP_NUM_THREADS=$(THREADS) $(BIN)/accelerate launch \
		--config_file training/accelerate/$(ACCELERATE).yaml --num_processes $(PROCESSES) \
		-m training $(TRAINING)

evaluate: train  ## replies on the test split, scored, into build/results/
	$(BIN)/python -m model_card evaluate --model build/model --corpus soulchat --out build/results --max-replies $(REPLIES)

card: evaluate  ## the model card, from those results
	$(BIN)/python -m model_card card --model build/model --results build/results \
		--model-id "$(NAMESPACE)/soulchat" --dataset-id "$(NAMESPACE)/soulchat"

ifeq ($(HUB),local)
push: card  ## dataset, model and Space to HUB, in one commit each; the Space private unless PUBLIC=1
	$(BIN)/python -m local_hub run --root build/hub -- \
		$(BIN)/python -m space push --hub local --namespace local $(if $(PUBLIC),--public)
else
push: card
	$(BIN)/python -m space push --hub "$(HUB)" --namespace "$(ORG)" $(if $(PUBLIC),--public)
endif

hub-ready: .venv/.installed
	@$(if $(filter local,$(HUB)),:,$(BIN)/python -m space check --hub "$(HUB)" --namespace "$(ORG)")

demo: .venv/.installed  ## the Space at http://127.0.0.1:7860, on the model just trained
	$(BIN)/python -m space serve --model build/model

hub: .venv/.installed  ## the local Hub at http://127.0.0.1:7777, with what was pushed to it
	$(BIN)/python -m local_hub serve --root build/hub

lint: .venv/.tested  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/.tested  ## ruff's fixes and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: .venv/.tested  ## what CI runs: lint, then every test, in headless Chromium too
	sh tests/chromium.sh
	$(MAKE) lint
	$(BIN)/python -m pytest

prove: .venv/.tested  ## the long proofs whole (kills, fuzz, conformance), into results/proofs/
	sh tests/chromium.sh
	$(BIN)/python -m pytest -m proof --full

bench: .venv/.tested  ## the comparisons with peers, into results/benchmarks/
	$(foreach file,$(wildcard tests/benchmarks/*.py),$(BIN)/python $(file) &&) true

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

# One install, not two: each takes most of a minute.
.venv/.tested: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch .venv/.installed $@
