# recollect: the verbs, the same for people and for machines.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
KILLS  ?= 1000
SETS   ?=
OUT    ?=
DATA   ?=
README ?=

.DEFAULT_GOAL := help
.PHONY: help demo test test-torch lint crash quality triples latency vectors graph association gpu test-gpu kv-quality kv-speed time clean

help: ## list the verbs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

# One stamp per set of extras: rebuilt when the sources or the requirements change.
SOURCES := $(shell find rust python/recollect cuda -type f -not -name '*.so' -not -name '*.pyc' 2>/dev/null) Cargo.toml Cargo.lock pyproject.toml

$(VENV)/.demo: $(SOURCES) | $(BIN)/python
	$(BIN)/python -m pip install --quiet ".[local]"
	@touch $@

$(VENV)/.test: $(SOURCES) | $(BIN)/python
	$(BIN)/python -m pip install --quiet ".[local,test,lint,notebooks]"
	@touch $@ $(VENV)/.demo

$(VENV)/.bench: $(SOURCES) | $(BIN)/python
	$(BIN)/python -m pip install --quiet ".[local,test,bench]"
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo ## set up, build, and run the main job on a bundled conversation
	$(BIN)/recollect demo

test: $(VENV)/.test ## set up, build, and pass the tests
	$(BIN)/python -m pytest -n auto

# PyTorch has an environment of its own: gigabytes that no other verb needs. TORCH_INDEX=url takes it from there.
TORCH_INDEX ?=

PINS := tests/pytorch/requirements.txt
PIP_TORCH := .venv-torch/bin/python -m pip install --quiet

.venv-torch/.test: $(SOURCES) $(PINS)
	test -x .venv-torch/bin/python || $(PYTHON) -m venv .venv-torch
	grep '^torch=' $(PINS) | $(PIP_TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) -r /dev/stdin
	grep -v '^kvpress=' $(PINS) | $(PIP_TORCH) -r /dev/stdin .
	grep '^kvpress=' $(PINS) | $(PIP_TORCH) --no-deps -r /dev/stdin
	@touch $@

test-torch: .venv-torch/.test ## pass the tests with PyTorch, Transformers and kvpress, in an environment of their own
	.venv-torch/bin/python -m pytest tests/pytorch

lint: $(VENV)/.test ## formatting, clippy, ruff, strict types, stubs against the native module
	cargo fmt --all --check
	PYO3_PYTHON=$(abspath $(BIN)/python) cargo clippy --workspace --all-targets -- -D warnings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest recollect._native

crash: $(VENV)/.test ## kill a writer KILLS times and count what is lost; OUT=f.json
	$(BIN)/python -m tests.trust.crash --kills $(KILLS) $(if $(OUT),--out $(OUT))

quality: $(VENV)/.bench ## retrieval quality on DATA=dir; SETS=a,b OUT=f.json README=1
	@test -n "$(DATA)" || { echo "say where the sets are: make quality DATA=dir" >&2; exit 2; }
	$(BIN)/python -m benches.quality --data $(DATA) $(if $(SETS),--sets $(SETS)) $(if $(OUT),--out $(OUT)) $(if $(README),--write-readme)

triples: $(VENV)/.bench ## multi-hop retrieval over given triples on DATA=dir; OUT=f.json README=1
	@test -n "$(DATA)" || { echo "say where the sets are: make triples DATA=dir" >&2; exit 2; }
	$(BIN)/python -m benches.quality.triples --data $(DATA) $(if $(OUT),--out $(OUT)) $(if $(README),--write-readme)

latency: $(VENV)/.bench ## latency against peers in one interleaved run; OUT=f.json README=1
	$(BIN)/python -m benches.latency --targets $(if $(OUT),--out $(OUT)) $(if $(README),--write-readme)

vectors: $(VENV)/.bench ## vector search against peers; OUT=f.json DATA=dir README=1
	$(BIN)/python -m benches.vectors $(if $(DATA),--data $(DATA)) $(if $(OUT),--out $(OUT)) $(if $(README),--write-readme)

graph: $(VENV)/.bench ## activation over graphs against peers; OUT=f.json DATA=dir README=1
	$(BIN)/python -m benches.graph $(if $(DATA),--data $(DATA)) $(if $(OUT),--out $(OUT)) $(if $(README),--write-readme)

association: $(VENV)/.bench ## human association norms on DATA=dir; OUT=f.json README=1
	@test -n "$(DATA)" || { echo "say where the sets are: make association DATA=dir" >&2; exit 2; }
	$(BIN)/python -m benches.association --data $(DATA) $(if $(OUT),--out $(OUT)) $(if $(README),--write-readme)

gpu: ## similarity, selection and activation on a GPU, with the Python that has CuPy and PyTorch: PYTHON=p OUT=f.json README=1
	$(PYTHON) -m benches.gpu $(if $(OUT),--out $(OUT)) $(if $(README),--write-readme)

test-gpu: ## pass the tests of the KV cache's kernels on a GPU, with the Python that has CuPy, pytest and Hypothesis: PYTHON=p
	RECOLLECT_TEST_GPU=1 $(PYTHON) -m pytest tests/test_kvcache_cuda_*.py

kv-quality: $(VENV)/.test ## what compressed KV caches still recall, at equal bytes; OUT=f.json README=1
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benches.kv_quality $(if $(OUT),--out $(OUT)) $(if $(README),--write-readme)

kv-speed: $(VENV)/.test ## the KV cache on one CPU thread, Rust against NumPy and an installed PyTorch; OUT=f.json README=1
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benches.kv_speed $(if $(OUT),--out $(OUT)) $(if $(README),--write-readme)

time: $(VENV)/.bench ## events, facts and segments against peers; OUT=f.json DATA=dir README=1
	$(BIN)/python -m benches.time $(if $(DATA),--data $(DATA)) $(if $(OUT),--out $(OUT)) $(if $(README),--write-readme)

clean: ## remove what the verbs made
	rm -rf $(VENV) .venv-torch target
