# The two commands are `make demo` and `make test`; both install what they need into .venv first.
PYTHON ?= python3.11
# Each starts a demo and the foreign servers of its own.
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint format schema lock clean

demo: $(VENV)/.installed
	$(BIN)/chartgraph up --demo

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# What the subgraphs export and what is composed of it; both are committed and reviewed.
schema: $(VENV)/.installed
	$(BIN)/python -m subgraphs export
	$(BIN)/chartgraph compose --config schema/supergraph.yaml --output schema/supergraph.graphql
	$(BIN)/chartgraph documents manifest schema/operations --output schema/documents.json

lock: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		--extra dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .chartgraph build *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# A FHIR server nobody here wrote, for the tests, in an environment of its own.
.venv-sekmet/.installed: tests/third_party/sekmet.lock
	$(PYTHON) -m venv .venv-sekmet
	.venv-sekmet/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# A fuzzer of GraphQL APIs nobody here wrote, likewise.
.venv-schemathesis/.installed: tests/third_party/schemathesis.lock
	$(PYTHON) -m venv .venv-schemathesis
	.venv-schemathesis/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# Two gateways nobody here wrote, which the tests ask what they make of our supergraphs.
tests/node/node_modules/.installed: tests/node/package-lock.json
	npm ci --prefix tests/node --loglevel=error
	@touch $@

# Another FHIR server nobody here wrote: Medplum's router over its store in memory.
tests/third_party/medplum/node_modules/.installed: tests/third_party/medplum/package-lock.json
	npm ci --prefix tests/third_party/medplum --loglevel=error
	@touch $@
