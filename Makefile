# Two commands do everything: `make run` and `make test`. The rest is for those who build on it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run test lint bench check lock assets translations clean help

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 18

run: $(VENV)/run.stamp assets translations   ## set everything up and serve the demo city
	@$(BIN)/yici run

test: $(VENV)/dev.stamp node_modules/.test.stamp assets translations  ## set up what is missing and run every test, browser tests included
	@sh scripts/ensure-browser.sh
	@sh scripts/ensure-databases.sh
	@sh scripts/ensure-java.sh
	@sh scripts/ensure-signing.sh
	@sh scripts/ensure-pictures.sh
	@sh scripts/ensure-checkers.sh
	@$(BIN)/python scripts/run_tests.py $(ARGS)

lint: $(VENV)/dev.stamp                      ## ruff, mypy, import-linter, and the city folder's own linter
	@$(BIN)/ruff check yici tests bench scripts
	@$(BIN)/ruff format --check yici tests bench scripts
	@$(BIN)/mypy yici
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/yici check cities/bozhou

bench: $(VENV)/dev.stamp node_modules/.bench.stamp assets translations ## measure speed, weight and memory; prints a table
	@sh scripts/ensure-browser.sh
	@$(BIN)/python -m bench $(ARGS)

check: $(VENV)/run.stamp                     ## lint the city folder only
	@$(BIN)/yici check cities/bozhou

lock:                                        ## write the lock files from requirements*.in
	$(BIN)/uv pip compile requirements.in --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q -o requirements.lock
	$(BIN)/uv pip compile requirements-dev.in --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q -o requirements-dev.lock

$(VENV)/bin/python:
	@echo "· making the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "· installing what the platform needs (requirements.lock)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@sh scripts/link-package.sh
	@sh scripts/ensure-fonts.sh
	@sh scripts/ensure-databases.sh || true
	@sh scripts/ensure-signing.sh || true
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "· installing what the tests need (requirements-dev.lock)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@sh scripts/link-package.sh
	@touch $@ $(VENV)/run.stamp

assets: node_modules/.run.stamp yici/web/static/vendor/htmx.min.js

# Three sizes of one package-lock.json; a bigger one contains the smaller.
node_modules/.run.stamp: package-lock.json
	@echo "· fetching the front-end files (package-lock.json)"
	@npm ci --omit=dev --omit=optional --no-audit --no-fund --loglevel=error
	@touch $@

node_modules/.test.stamp: package-lock.json
	@echo "· fetching the front-end files and axe (package-lock.json)"
	@npm ci --omit=optional --no-audit --no-fund --loglevel=error
	@touch node_modules/.run.stamp $@

node_modules/.bench.stamp: package-lock.json
	@echo "· fetching the front-end files, axe and lighthouse (package-lock.json)"
	@npm ci --no-audit --no-fund --loglevel=error
	@touch node_modules/.run.stamp node_modules/.test.stamp $@

yici/web/static/vendor/htmx.min.js: package-lock.json yici/web/icons.txt yici/web/assets.py | node_modules/.run.stamp
	@$(BIN)/python -c "from yici.web.assets import copy_assets; copy_assets()"
	@touch $@

translations: yici/web/locale/en/LC_MESSAGES/django.mo

yici/web/locale/en/LC_MESSAGES/django.mo: yici/web/locale/en/LC_MESSAGES/django.po
	@$(BIN)/pybabel -q compile -d yici/web/locale -D django -l en

clean:           ## remove what set-up made (the data folder stays)
	rm -rf $(VENV) node_modules yici/web/static/vendor yici/web/locale/en/LC_MESSAGES/django.mo
