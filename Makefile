# Wardkeep. `make demo` to look, `make test` to check, `make help` for the rest.
.DELETE_ON_ERROR:
SHELL := /bin/bash
WEB   := web
DIST  := internal/portal/assets/dist
BIN   := bin/wardkeep
GOFLAGS := -trimpath
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMITTED := $(shell git log -1 --format=%cI 2>/dev/null)
SOURCES := $(shell find cmd internal policies -name '*.go' -o -name '*.cedar' -o -name '*.html' 2>/dev/null) go.mod go.sum

.PHONY: help build sbom demo test prove attack attack-controls fuzz check bench clean assets deps

help:
	@echo 'make demo   a working hospital on https://localhost:8443'
	@echo 'make build  one binary, bin/wardkeep, with everything inside'
	@echo 'make sbom   what the programs are made of: bin/wardkeep.cdx.json (CycloneDX), made by each build'
	@echo 'make test   installs what the tests need and runs them all'
	@echo 'make check  format, vet, staticcheck, architecture, licences, known vulnerabilities, ages of components'
	@echo 'make prove  long proofs: the whole data set, a thousand crashes (an hour)'
	@echo 'make attack 670,000 forbidden requests to the built program (12 minutes); make attack-controls: that it can fail'
	@echo 'make fuzz   ten minutes of fuzzing for each parser (half an hour)'
	@echo 'make bench  measures the server over HTTPS and writes docs/benchmarks.md (20 minutes)'

build: $(BIN) $(BIN).cdx.json

PAGES := $(DIST)/manifest.json

$(PAGES): $(WEB)/package.json $(WEB)/package-lock.json $(WEB)/build.mjs $(wildcard $(WEB)/src/*)
	cd $(WEB) && npm ci --no-audit --no-fund --silent && npm run --silent build

assets: $(PAGES)

$(BIN): $(PAGES) $(SOURCES)
	go build $(GOFLAGS) -ldflags '-s -w -X main.version=$(VERSION)' -o $@ ./cmd/wardkeep
	go build $(GOFLAGS) -ldflags '-s -w' -o bin/wardkeep-verify ./cmd/wardkeep-verify

# What the programs are made of, CycloneDX 1.6, beside them.
sbom: $(BIN).cdx.json

$(BIN).cdx.json: $(BIN)
	go run ./supply/sbom -o $@ -version '$(VERSION)' -time '$(COMMITTED)' $(BIN) bin/wardkeep-verify

demo: build
	$(BIN) demo

deps:
	scripts/test-deps.sh

test: deps build
	go test -timeout 20m ./...

# Long proofs: the whole data set, all the tries, 5000 timed pairs of denied and
# unknown for each way to ask (ten minutes). Not part of make test.
prove: deps build
	WARDKEEP_PROVE=1 go test -count=1 -timeout 60m -v -run 'TestImport|TestKilledImport|TestCanary|TestWholeFolderPutBack' ./e2e
	WARDKEEP_PROVE=1 go test -count=1 -timeout 60m -parallel 6 -v -run TestDeniedAndUnknownAreAlike ./e2e
	WARDKEEP_PROVE=1 go test -count=1 -v -run TestNarrowingCosts ./e2e
	WARDKEEP_PROVE=1 go test -count=1 -timeout 60m -v -run TestCrashedImport ./cmd/wardkeep/app
	WARDKEEP_CRASHES=1000 go test -count=1 -timeout 60m -run TestCrash ./internal/store/pebble
	WARDKEEP_SEARCH_ALL=1 go test -count=1 -timeout 60m -v -run TestDifferential ./internal/search
	$(MAKE) attack attack-controls

# Everything that is not allowed, and some that is. ATTACK_FLAGS: -sample, -only 'side door', -seed S, -json FILE …
attack: build
	go run ./attack $(ATTACK_FLAGS)

# One check of the program switched off at a time: the attack must name the hole.
attack-controls: $(PAGES)
	go run ./attack/controls

# Ten minutes for each target that reads other people's bytes.
fuzz:
	scripts/fuzz.sh

check:
	scripts/check.sh

# BENCH_FLAGS: -quick, -scales 1, -parts search,crud, -runs 3 …; see go run ./bench -help
bench: build
	go run ./bench $(BENCH_FLAGS)

clean:
	rm -rf bin $(DIST)/* $(WEB)/node_modules
