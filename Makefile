# The only way in: people and CI build, test and run Watchkeeper through this file. `make help` lists it.
# Needed on the machine: Go, Node 20, git and make. Everything else is fetched from package registries.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO       ?= go
BIN      := bin/watchkeeper
DATA     ?= ./data
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PACKAGES ?= ./...
FUZZTIME ?= 10s
FIGURES  ?= 1,2,3,4,5,6,7
ENGINES  ?= sqlite,postgres
comma    := ,

# For programs that the tests need and the machine lacks. Root's home would be closed to the user that PostgreSQL runs as.
CACHE := $(if $(filter 0,$(shell id -u)),/var/cache,$(or $(XDG_CACHE_HOME),$(HOME)/.cache))/watchkeeper
export PATH := $(PATH):$(CACHE)/bin

# The version is stamped by hand: Go's own stamping fails in a tree that belongs to another user or has no .git.
BUILD_FLAGS := -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)'
# Longer than the slowest package takes on two busy cores, short enough that a hang is seen.
TEST_FLAGS  ?= -timeout 40m
# SQLite is C translated to Go. Nearly all that it works on lies outside Go's memory, where the race detector sees nothing,
# yet asking it at every step made the tests four times slower. So SQLite and its C library alone are compiled without;
# the driver above them and everything else are watched.
RACE_FLAGS  := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Use

.PHONY: run
run: build ## Build and start the product with its data in ./data; prints address and password, Ctrl-C stops it
# The server replaces the recipe's shell, so that Ctrl-C and SIGTERM reach it and make waits until it has stopped.
# What prints the password is detached (no child that the server would have to reap) and ends with the server.
	@( ( until $(BIN) healthcheck --ready --data '$(DATA)' >/dev/null 2>&1; do \
			sleep 0.2; kill -0 $$$$ 2>/dev/null || exit 0; \
		done; \
		printf '\nPassword: %s\n\n' "$$($(BIN) password show --data '$(DATA)')" ) & ); \
	exec $(BIN) serve --data '$(DATA)'

.PHONY: build
build: ## Build bin/watchkeeper
	CGO_ENABLED=0 $(GO) build $(BUILD_FLAGS) -o $(BIN) ./server

.PHONY: clean
clean: ## Remove what was built; data and downloads stay
	rm -rf bin
	$(GO) clean -testcache

##@ Prove

.PHONY: test
test: postgres curl ## Run all tests on SQLite and PostgreSQL, installing what they need
	$(GO) test $(TEST_FLAGS) $(PACKAGES)

.PHONY: race
race: postgres curl compiler ## Run all tests with the race detector
	CGO_ENABLED=1 $(GO) test $(RACE_FLAGS) $(TEST_FLAGS) $(PACKAGES)

.PHONY: lint
lint: format-check vet staticcheck ## Check formatting, go vet and staticcheck

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (10s)
	@failed=0; found=0; \
	while IFS=: read -r file line; do \
		target=$$(sed -E 's/^func (Fuzz[A-Za-z0-9_]+).*/\1/' <<<"$$line"); found=$$((found + 1)); \
		echo "==> $$(dirname "$$file") $$target"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" </dev/null || failed=1; \
	done < <(grep -rE '^func Fuzz[A-Za-z0-9_]+\(' --include='*_test.go' . | sort); \
	echo "$$found fuzz targets ran"; [ $$found -gt 0 ] && [ $$failed -eq 0 ]

.PHONY: simulate
simulate: postgres ## Let SEEDS (1000) random months pass on ENGINES, from seed FROM (1), and check who was told
# In memory where the machine allows that: nothing of it is kept.
	$(if $(wildcard /dev/shm/.),TMPDIR=/dev/shm) SIMULATE_SEEDS=$(or $(SEEDS),1000) SIMULATE_FROM=$(or $(FROM),1) \
		$(GO) test -count=1 -timeout 48h ./server/alert -run 'TestSimulatedMonths/($(subst $(comma),|,$(ENGINES)))'

.PHONY: bench
bench: postgres ## Measure the figures of docs/sizing.md on both engines; FIGURES=1,2 for some
	$(GO) run ./server/e2e/figures -cache '$(CACHE)/bench' -figures '$(FIGURES)'

.PHONY: ci
# Cheap steps first. The tests run once, with the race detector, and come last: a CI closes on what go test says. They do
# run: what a cache remembers of them is no proof on a machine that may have changed.
ci: export TEST_FLAGS := $(TEST_FLAGS) -count=1
CI_STEPS := postgres curl compiler format-check vet staticcheck generated build race
ci: ## Run everything that must hold, as .ci/run does
	@for step in $(CI_STEPS); do \
		echo "==> make $$step"; began=$$SECONDS; \
		$(MAKE) --no-print-directory $$step || { echo "==> make $$step FAILED after $$((SECONDS - began)) s"; exit 1; }; \
		echo "==> make $$step took $$((SECONDS - began)) s"; \
	done

##@ Parts of the above

.PHONY: format
format: ## Format all Go files
	$(GO) tool gofumpt -l -w .

.PHONY: format-check
format-check: ## Fail on a Go file that is not formatted
	@unformatted=$$($(GO) tool gofumpt -l .); \
	[ -z "$$unformatted" ] || { printf 'not formatted (make format):\n%s\n' "$$unformatted"; exit 1; }

.PHONY: vet
vet: ## Run go vet
	$(GO) vet $(PACKAGES)

.PHONY: staticcheck
staticcheck: ## Run staticcheck
	$(GO) tool staticcheck $(PACKAGES)

.PHONY: generate
generate: ## Make the generated files anew
	$(GO) generate $(PACKAGES)

.PHONY: generated
generated: ## Fail when a generated file is not what its source makes
	@state() { git diff --no-ext-diff; git status --porcelain; }; \
	before=$$(state | sha256sum); $(GO) generate $(PACKAGES); \
	[ "$$before" = "$$(state | sha256sum)" ] || { git status --short; echo 'generated files are out of date (make generate)'; exit 1; }

.PHONY: postgres
postgres: ## Find PostgreSQL's programs for the tests, or fetch Debian's package into a cache folder
	@server/store/storetest/pgtest/install.sh '$(CACHE)'

.PHONY: curl
curl: ## Find curl for the examples of the README, or fetch Debian's package into a cache folder
	@command -v curl >/dev/null && exit; \
	.ci/unpack curl '$(CACHE)/curl'; mkdir -p '$(CACHE)/bin'; \
	printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$$@"\n' "$$(echo '$(CACHE)'/curl/usr/lib/*-linux-gnu*)" \
		'$(CACHE)/curl/usr/bin/curl' >'$(CACHE)/bin/curl'; \
	chmod 755 '$(CACHE)/bin/curl'; curl --version >/dev/null

.PHONY: compiler
compiler: ## Find the C compiler that the race detector needs, or install Debian's
	@if command -v "$$($(GO) env CC)" >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo 'make compiler: installing gcc'; apt-get update -qq; \
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends gcc libc6-dev >/dev/null; \
	else \
		echo "the race detector needs a C compiler: install gcc, or run 'make test', which does without"; exit 1; \
	fi
