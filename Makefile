# make demo    the whole chain on a digital phantom, into demo/ (open demo/index.html)
# make test    ruff, mypy and all tests
# make bench   time and memory: against the paper's own pipeline, and against Slicer's own ways (Testing/bench)
# make docs    the documentation, into site/ (open site/index.html)
# make screenshots  the pictures of the README
# make train   train the compact network (hours; resumes where it stopped)
#
# Each makes .venv first.  Where pip would otherwise bring PyTorch's CUDA packages (2 GB and more) and you have no such GPU,
# name PyTorch's CPU index in pip's own variable: PIP_EXTRA_INDEX_URL=… make test

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# A training in the background (recipes/background.py) waits meanwhile.
QUIET = $(BIN)/python recipes/quiet.py
DATA ?= ../shared/data
OUT ?= demo
LABEL = $(BIN)/softcord pseudolabel recipes/training.csv --root $(DATA)
# Of the training list the people that the shipped recipe was made on (it saw sub-05 too, who is evaluated on now); the lumbar
# image, whose tip is hard, is labelled by the model that is shipped.
LUMBAR = sub-single_t2_lumbar
SEEN = --only sub-01 --only sub-single --without $(LUMBAR)

.PHONY: .venv demo test lint format bench docs screenshots train system-packages clean

.venv: .venv/installed

.venv/installed: requirements-lock.txt pyproject.toml setup.py | system-packages
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -r requirements-lock.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

system-packages:
	@sh Utilities/system_packages.sh $(PYTHON)

demo: .venv
	$(BIN)/softcord demo -o $(OUT)

test: lint
	$(QUIET) $(BIN)/python -m pytest

lint: .venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv
	@set -e; for file in Testing/bench/bench_*.py; do echo "== $$file"; $(QUIET) $(BIN)/python $$file; done

docs: .venv
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html"

screenshots: .venv
	$(BIN)/python Utilities/readme_picture.py
	$(BIN)/python Testing/panel/screenshots.py
	$(BIN)/python Utilities/floors_diagram.py

# First weights; more varied anatomy; then real images too, seven times, labelled by the stage before.
train: .venv
	$(BIN)/softcord train compact --data $(DATA) --out runs/compact
	$(BIN)/softcord train compact_2_anatomy --data $(DATA) --out runs/anatomy
	$(LABEL) $(SEEN) --model runs/anatomy/bundle --out runs/labels
	$(BIN)/softcord train compact_3_selftrained --data $(DATA) --out runs/selftrained
	$(LABEL) $(SEEN) --model runs/selftrained/bundle --out runs/labels_2
	$(BIN)/softcord train compact_4_agreement --data $(DATA) --out runs/agreement
	$(LABEL) $(SEEN) --model runs/agreement/bundle --out runs/labels_3
	$(LABEL) --only $(LUMBAR) --model compact --out runs/labels_lumbar
	$(BIN)/softcord train compact_5_lumbar --data $(DATA) --out runs/lumbar
	$(LABEL) $(SEEN) --model runs/lumbar/bundle --out runs/labels_4
	$(BIN)/softcord train compact_6_areas --data $(DATA) --out runs/areas
	$(LABEL) $(SEEN) --model runs/areas/bundle --out runs/labels_5
	$(BIN)/softcord train compact_7_as_scanned --data $(DATA) --out runs/as_scanned
	$(LABEL) $(SEEN) --model runs/as_scanned/bundle --out runs/labels_6
	$(BIN)/softcord train compact_8_mean --data $(DATA) --out runs/mean
	$(LABEL) $(SEEN) --model runs/mean/bundle --out runs/labels_7
	$(BIN)/softcord train compact_9_as_sampled --data $(DATA) --out runs/as_sampled

clean:
	rm -rf build dist demo bench site .pytest_cache .ruff_cache .mypy_cache .hypothesis SoftCordSeg/softcordseg.egg-info
	find SoftCordSeg Testing Utilities -name __pycache__ -type d -prune -exec rm -rf {} +
