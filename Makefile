# Needs Python 3.11 or newer with pip, and make. Nothing else: databases, browser and tools are set up here.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/ready
CATALOGUES := $(wildcard */locale/*/LC_MESSAGES/*.po)
# Production's settings, for the checks that only then say anything. Nothing connects to these addresses.
PRODUCTION := DEBUG=0 SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))') \
	ALLOWED_HOSTS=desk.example REDIS_URL=redis://127.0.0.1/0 \
	DATABASE_URL=postgresql://app:x@127.0.0.1/desk DATABASE_OWNER_URL=postgresql://owner:x@127.0.0.1/desk

# `make campaign NAME`, or `make campaign NAME=name`: the word behind is no target.
ifeq (campaign,$(firstword $(MAKECMDGOALS)))
NAME ?= $(word 2,$(MAKECMDGOALS))
$(foreach word,$(wordlist 2,9,$(MAKECMDGOALS)),$(eval $(word):;@:))
endif

.PHONY: setup run stop test bench campaign lint browser

setup: $(READY)

$(READY): requirements.txt requirements-dev.txt $(CATALOGUES) | $(VENV)/bin/pip
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(PY) manage.py messages --compile
	@touch $@

$(VENV)/bin/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "opsdesk needs Python 3.11 or newer")'
	$(PYTHON) -m venv --clear $(VENV)

run: setup
	@$(PY) manage.py serve

stop: setup
	@$(PY) -m opsdesk.local_services down

# The browser tests take `chromium` from the PATH. Where there is none: the system's package as root, with a font
# that has Chinese; else Playwright's own download.
browser: setup
	@command -v chromium >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get -qq update && \
			DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium fonts-noto-cjk; \
		else \
			$(PY) -m playwright install chromium; \
		fi; \
	}

test: browser
	$(PY) -m pytest -n 2

bench: setup
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@$(PY) -m tests.bench $(BENCH)

campaign: setup
	@$(PY) -m tests.campaigns $(NAME)

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING
