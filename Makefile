# make demo   everything from nothing: environment, sample, the whole workflow on two CPU cores, report
# make test   everything from nothing: environment and the test suite, style checks among it
# make test-all   the same with the tests that take minutes: the whole demonstration, killed workflows

PYTHON ?= python3.11
# Extra options for installing PyTorch, such as --index-url with the address of its CPU builds: where there is
# no GPU that saves gigabytes.
TORCH_OPTIONS ?=
DATA ?= ../shared/data

BIN := .venv/bin
SNAKEMAKE := $(BIN)/snakemake
DEMO := --configfile sample/config.yaml

.PHONY: demo test test-all bench docs pictures clean

demo: .venv/complete sample/generated/complete compiler
	$(SNAKEMAKE) --cores 2 $(DEMO)
	$(SNAKEMAKE) $(DEMO) --report results/report.html
	@echo
	@echo "The model:   results/model/demo  (with card and checksums: results/package/demo)"
	@echo "The report:  results/report.html"
	@echo "The tables:  results/evaluation/comparison.csv  results/ledger_summary.csv"
	@echo "Its origin:  results/provenance.json  (and what each stage took: results/benchmarks.csv)"

# The longest tests come first, so that no worker waits for the other at the end.
test: .venv/complete sample/generated/complete compiler
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder -m "not slow"

test-all: .venv/complete sample/generated/complete compiler
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

bench: .venv/complete sample/generated/complete
	@test -n "$(AREA)" || { echo "name an area: make bench AREA=pipeline"; exit 2; }
	$(BIN)/python benchmarks/$(AREA)/run.py --data $(DATA)

docs: .venv/complete
	PYTHONPATH=workflow/scripts $(BIN)/python -m malmoi.configcheck \
	  workflow/schemas/config.schema.yaml > docs/configuration.md

# The README's pictures, from a finished `make demo`; needs Graphviz. Arrows that others imply are left out.
pictures: .venv/complete
	$(SNAKEMAKE) $(DEMO) --rulegraph dot | tred | dot -Grankdir=LR -Tsvg > docs/images/dag.svg
	cp results/training/demo/loss.png docs/images/loss.png

.PHONY: compiler
compiler:
	@command -v $${CXX:-c++} > /dev/null || { \
	  echo "No C++ compiler: DeepSpeed builds a small extension at its first start on CPU."; \
	  echo "Install one (Debian and Ubuntu: apt-get install g++) or set CXX."; exit 1; }

# One environment with the pins of every stage's own. PyTorch comes first: asked for by another package, pip would
# choose its newest build.
.venv/complete: $(wildcard envs/*.yaml) requirements-dev.txt
	@command -v $(PYTHON) > /dev/null || { \
	  echo "No $(PYTHON): install Python 3.11, or name yours: make demo PYTHON=python3"; exit 1; }
	$(PYTHON) -m venv .venv
	sed -n 's/^ *- \([A-Za-z0-9_.-]*==[^ ]*\)$$/\1/p' envs/*.yaml | sort -u > .venv/pins.txt
	$(BIN)/pip install --quiet $(TORCH_OPTIONS) "$$(grep '^torch==' .venv/pins.txt)"
	$(BIN)/pip install --quiet -r .venv/pins.txt -r requirements-dev.txt
	touch $@

sample/generated/complete: .venv/complete sample/generate.py $(wildcard sample/generator/*.py)
	$(BIN)/python sample/generate.py --output sample/generated --megabytes 3 --seed 20
	touch $@

clean:
	rm -rf .venv .snakemake .bench sample/generated results/*
