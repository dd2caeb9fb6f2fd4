# make demo    the whole chain on a digital phantom, into demo/ (open demo/index.html)
# make test    ruff, mypy and all tests
# make stress  hostile files, servers and environments by the thousand, kills, and processes at once: up to an hour
# make fuzz    an hour of headers, archives and sidecars made by chance
# make bench   time and memory: against the paper's own pipeline, and against Slicer's own ways (Testing/bench)
# make docs    the documentation, into site/ (open site/index.html)
# make screenshots  the pictures of the README and the documentation, and of the panel in every state, into build/screenshots/
#
# Each makes .venv first.  Where pip would otherwise bring PyTorch's CUDA packages (2 GB and more) and you have no such GPU,
# name PyTorch's CPU index: TORCH_INDEX=… make test.  It is used for PyTorch alone; all else is checked against its SHA-256.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# A training in the background (recipes/background.py) waits meanwhile.
QUIET = $(BIN)/python recipes/quiet.py
OUT ?= demo

.PHONY: .venv demo test stress fuzz lint format bench docs screenshots system-packages clean

.venv: .venv/installed

.venv/installed: requirements-lock.txt requirements-torch.txt pyproject.toml setup.py | system-packages
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-lock.txt
	$(BIN)/python -m pip install --quiet $(TORCH_INDEX:%=--index-url %) -r requirements-torch.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

system-packages:
	@sh Utilities/system_packages.sh $(PYTHON)

demo: .venv
	$(BIN)/softcord demo -o $(OUT)

# Files by as many processes as there are cores.
SHARED = -n auto --maxprocesses 4 --dist loadfile

test: lint
	OMP_NUM_THREADS=1 $(QUIET) $(BIN)/python -m pytest $(SHARED)

STRESS = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -o python_files='stress_*.py' -p no:cacheprovider

stress: .venv
	$(STRESS) $(SHARED) Testing/stress
	OMP_NUM_THREADS=1 SOFTCORD_EXAMPLES=200 $(BIN)/python -m pytest $(SHARED) -q -p no:cacheprovider Testing/correction Testing/volume Testing/morphometry

fuzz: .venv
	SOFTCORD_FUZZ_SECONDS=3600 $(STRESS) Testing/stress/stress_fuzz.py

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
	$(BIN)/python Testing/panel/screenshots.py --docs
	$(BIN)/python Utilities/floors_diagram.py

clean:
	rm -rf build dist demo bench site .pytest_cache .ruff_cache .mypy_cache .hypothesis SoftCordSeg/softcordseg.egg-info
	find SoftCordSeg Testing Utilities -name __pycache__ -type d -prune -exec rm -rf {} +
