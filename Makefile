# `make` lists what there is. Go is all that build, test and demo need; generate,
# lint, breaking and ts also need Node (npm), for buf and the TypeScript parts.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

NPM_CI := npm ci --no-audit --no-fund --loglevel=error
# A tool of tools/go.mod, which is a module of its own: what it needs does not fit
# beside what the program needs.
TOOL := go tool -modfile=tools/go.mod
BUF := PATH="$(CURDIR)/tools/node_modules/.bin:$$PATH" buf
# PACKAGES is what build, test, race, lint and cover are about.
PACKAGES ?= ./...
# VERSION is what `bongsu version` says.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# FLAGS go to go test, e.g. make test FLAGS=-v.
FLAGS ?=

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' Makefile

.PHONY: generate
generate: protos ## Write gen/ anew: Go, TypeScript, OpenAPI, ent
	$(BUF) generate
	$(TOOL) openapiv3-merge $$(find bin/openapi -name '*.json' | LC_ALL=C sort) > bin/openapi.json
	go run ./internal/generate/openapi bin/openapi.json gen/openapi
	cp LICENSE tools/ts/README.md tools/ts/package.json gen/ts/
	go run ./internal/generate/ent

.PHONY: build
build: ## Build bin/bongsu
	CGO_ENABLED=0 go build -trimpath -ldflags='-X main.version=$(VERSION)' -o bin/ ./cmd/bongsu

.PHONY: test
test: ## Run all tests; those of PostgreSQL where it is installed; FULL=1 with full numbers
	$(if $(FULL),BONGSU_TEST_FULL=1) go test $(if $(FULL),-timeout=60m) $(FLAGS) $(PACKAGES)

.PHONY: race
race: ## Run all tests but the slow ones under the race detector
	go test -race -short $(FLAGS) $$(go list $(PACKAGES) | grep -v -e /test/e2e -e /test/faults) # they test other processes

.PHONY: lint
lint: lint-proto lint-go ## Check Go by golangci-lint, Protobuf by buf

.PHONY: lint-proto
lint-proto: protos
	$(BUF) lint
	$(BUF) format --diff --exit-code proto

.PHONY: lint-go
lint-go: bin/golangci-lint
	bin/golangci-lint run --allow-serial-runners $(PACKAGES)

.PHONY: fmt
fmt: protos bin/golangci-lint ## Format Go and Protobuf in place
	$(BUF) format --write proto
	bin/golangci-lint fmt

.PHONY: breaking
breaking: protos ## Check that the API still serves its callers, against the newest tag
	@PATH="$(CURDIR)/tools/node_modules/.bin:$$PATH" tools/breaking

.PHONY: e2e
e2e: ## Run the end-to-end tests anew: real processes, one and six; FULL=1 with full numbers
	$(if $(FULL),BONGSU_TEST_FULL=1) go test -count=1 $(if $(FULL),-timeout=60m) $(FLAGS) ./test/e2e/...

# Of all cases, or of some with SHORT=1. SEED=… runs them as another run did.
.PHONY: faults
faults: ## Kill, cut off and starve real processes, and compare what was sent with the ledger
	$(if $(SHORT),,BONGSU_TEST_FULL=1 go test -count=1 -v -run 'TestTrouble/1,300' ./test/e2e)
	BONGSU_FAULTS=$(if $(SHORT),,long) $(if $(SEED),BONGSU_FAULTS_SEED=$(SEED)) go test -count=1 -timeout=60m -v $(FLAGS) ./test/faults | \
		awk '/^(=== (RUN|PAUSE|CONT)|    --- PASS)/ { next } { print }'

# SEED=… and MAX_TIME=… (seconds) run it otherwise.
.PHONY: schemathesis
schemathesis: build ## Send what OpenAPI allows and what it does not, check the answers (5 minutes)
	tools/schemathesis/run $(FLAGS)

# RUN=accept,deliver measures some of it, LONG=1 also what takes minutes and gigabytes;
# go run ./bench -help lists what there is.
.PHONY: bench
bench: build ## Measure Bongsu beside what bounds it on this machine, write bench/RESULTS.md
	go run ./bench -bongsu=bin/bongsu -runs=5 -json=bin/bench.json \
		$(if $(RUN),-run=$(RUN),-report=bench/RESULTS.md) $(if $(LONG),-long) $(FLAGS)

.PHONY: demo
demo: ## Run Bongsu with demonstration data, see an alert arrive
	go run ./cmd/bongsu demo

.PHONY: ts
ts: build test/ts/node_modules/.package-lock.json ## Call bin/bongsu through the TypeScript package
	cd test/ts && npm test

.PHONY: cover
cover: ## Run all tests, write bin/cover.html
	mkdir -p bin
	go test -coverpkg=./cmd/...,./internal/...,./services/... -coverprofile=bin/cover.out $(FLAGS) $(PACKAGES)
	go tool cover -html=bin/cover.out -o bin/cover.html
	go tool cover -func=bin/cover.out | tail -n 1

# TAG=v1.2.3 also checks that HEAD is that tag and is ready to be released.
.PHONY: release-dry
release-dry: ## Build what a release publishes into dist/, and publish nothing
	go run ./internal/generate/release $(if $(TAG),-tag=$(TAG)) dist

.PHONY: ci
ci: ## Do all that .ci/run does
	.ci/run

.PHONY: clean
clean: ## Delete what tools brought or built
	rm -rf bin dist third_party/proto test/ts/build test/ts/node_modules tools/node_modules

# What our .proto files import from elsewhere, from the modules that go.mod pins.
.PHONY: protos
protos: tools/node_modules/.package-lock.json
	go run ./internal/generate/printproto third_party/proto

tools/node_modules/.package-lock.json: tools/package.json tools/package-lock.json
	cd tools && $(NPM_CI)

# gen/ts is installed as npm installs a published package: a copy.
test/ts/node_modules/.package-lock.json: test/ts/package.json test/ts/package-lock.json $(shell find gen/ts -type f)
	cd test/ts && $(NPM_CI)

bin/golangci-lint: tools/go.mod
	go build -modfile=tools/go.mod -o bin/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
