# `make` lists the targets. build, test and demo need only Go; generate, lint, breaking
# and ts also need Node (npm), for buf and the TypeScript parts.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

NPM_CI := npm ci --no-audit --no-fund --loglevel=error
# TOOL runs a tool of tools/go.mod, which is a module of its own: its dependencies
# conflict with those of the program.
TOOL := go tool -modfile=tools/go.mod
BUF := PATH="$(CURDIR)/tools/node_modules/.bin:$$PATH" buf
# PACKAGES are the packages of test, race, lint-go and cover.
PACKAGES ?= ./...
# VERSION is the version that `bongsu version` prints.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# FLAGS go to go test, e.g. make test FLAGS=-v.
FLAGS ?=

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' Makefile

.PHONY: generate
generate: protos ## Generate gen/: Go, TypeScript, OpenAPI, ent; the table of docs/access.md
	$(BUF) generate
	$(TOOL) openapiv3-merge $$(find bin/openapi -name '*.json' | LC_ALL=C sort) > bin/openapi.json
	go run ./internal/generate/openapi bin/openapi.json gen/openapi
	go run ./internal/generate/access proto docs/access.md
	cp LICENSE tools/ts/README.md tools/ts/package.json gen/ts/
	go run ./internal/generate/ent

.PHONY: build
build: ## Build bin/bongsu
	CGO_ENABLED=0 go build -trimpath -ldflags='-X main.version=$(VERSION)' -o bin/ ./cmd/bongsu

.PHONY: test
test: ## Run all tests; those of PostgreSQL where it is installed; FULL=1 with full numbers
	$(if $(FULL),BONGSU_TEST_FULL=1) go test $(if $(FULL),-timeout=60m) $(FLAGS) $(PACKAGES)

.PHONY: race
race: ## Run all tests except the slow ones under the race detector
	go test -race -short $(FLAGS) $$(go list $(PACKAGES) | grep -v -e /test/e2e -e /test/faults -e /test/cluster) # those test other processes

.PHONY: lint
lint: lint-proto lint-go ## Lint Go with golangci-lint, Protobuf with buf

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
breaking: protos ## Check the API for breaking changes, against the newest tag
	@PATH="$(CURDIR)/tools/node_modules/.bin:$$PATH" tools/breaking

.PHONY: e2e
e2e: ## Run the end-to-end tests without cache: real processes, one and six; FULL=1 with full numbers
	$(if $(FULL),BONGSU_TEST_FULL=1) go test -count=1 $(if $(FULL),-timeout=60m) $(FLAGS) ./test/e2e/...

# SHORT=1 runs some of the cases. SEED=… reproduces an earlier run. AUTH=required lets callers need
# an API key in all tests of test/faults, instead of in half of the matrix.
.PHONY: faults
faults: ## Kill, cut off and starve real processes, and compare the provider calls with the ledger
	$(if $(SHORT),,BONGSU_TEST_FULL=1 go test -count=1 -v -run 'TestTrouble/1,300' ./test/e2e)
	BONGSU_FAULTS=$(if $(SHORT),,long) $(if $(SEED),BONGSU_FAULTS_SEED=$(SEED)) $(if $(AUTH),BONGSU_FAULTS_AUTH=$(AUTH)) go test -count=1 -timeout=60m -v $(FLAGS) ./test/faults | \
		awk '/^(=== (RUN|PAUSE|CONT)|    --- PASS)/ { next } { print }'

# SHORT=1 makes fewer faults, for less time. FAULT=… makes only those whose name contains it. SEED=…
# makes the choices of an earlier run.
.PHONY: cluster
cluster: ## Kill, cut off and roll the nodes of a cluster under load; needs PostgreSQL, and root to cut off
	BONGSU_CLUSTER=$(if $(SHORT),,long) $(if $(SEED),BONGSU_CLUSTER_SEED=$(SEED)) $(if $(FAULT),BONGSU_CLUSTER_FAULT='$(FAULT)') \
		go test -count=1 -timeout=60m -v $(FLAGS) ./test/cluster

# SEED=… sets the random seed, MAX_TIME=… the duration in seconds.
.PHONY: schemathesis
schemathesis: build ## Send valid and invalid requests generated from OpenAPI, check the responses (5 minutes)
	tools/schemathesis/run $(FLAGS)

# RUN=accept,deliver selects scenarios, LONG=1 adds those that take minutes and gigabytes;
# go run ./bench -help lists them.
.PHONY: bench
bench: build ## Measure Bongsu beside the limits of this machine, write bench/RESULTS.md
	go run ./bench -bongsu=bin/bongsu -runs=5 -json=bin/bench.json \
		$(if $(RUN),-run=$(RUN),-report=bench/RESULTS.md) $(if $(LONG),-long) $(FLAGS)

.PHONY: demo
demo: ## Run Bongsu with demonstration data and send an alert
	go run ./cmd/bongsu demo

.PHONY: deploy
deploy: ## Check chart, rules, dashboard, compose files and Dockerfile; the image where buildah is installed
	.ci/deploy
	.ci/image

.PHONY: ts
ts: build test/ts/node_modules/.package-lock.json ## Call bin/bongsu through the TypeScript package
	cd test/ts && npm test

.PHONY: cover
cover: ## Run all tests, write bin/cover.html
	mkdir -p bin
	go test -coverpkg=./cmd/...,./internal/...,./kit/...,./services/... -coverprofile=bin/cover.out $(FLAGS) $(PACKAGES)
	go tool cover -html=bin/cover.out -o bin/cover.html
	go tool cover -func=bin/cover.out | tail -n 1

# TAG=v1.2.3 also checks that HEAD has that tag and is ready for release.
.PHONY: release-dry
release-dry: ## Build the files of a release into dist/ without publishing them
	go run ./internal/generate/release $(if $(TAG),-tag=$(TAG)) dist

.PHONY: ci
ci: ## Run all checks of .ci/run
	.ci/run

.PHONY: clean
clean: ## Delete downloaded and built files
	rm -rf bin dist third_party/proto test/ts/build test/ts/node_modules tools/node_modules

# Third-party .proto files that ours import, from the modules pinned in go.mod.
.PHONY: protos
protos: tools/node_modules/.package-lock.json
	go run ./internal/generate/printproto third_party/proto

tools/node_modules/.package-lock.json: tools/package.json tools/package-lock.json
	cd tools && $(NPM_CI)

# gen/ts is installed as npm installs a published package: a copy.
test/ts/node_modules/.package-lock.json: test/ts/package.json test/ts/package-lock.json $(shell find gen/ts -type f)
	cd test/ts && $(NPM_CI)

# helm and promtool are a module of their own: together they need half of the modules there are.
# Of the ways of Prometheus to discover services, promtool needs none.
bin/helm: tools/deploy/go.mod
	go build -modfile=tools/deploy/go.mod -trimpath -ldflags='-s -w' -o bin/ helm.sh/helm/v4/cmd/helm

bin/promtool: tools/deploy/go.mod
	go build -modfile=tools/deploy/go.mod -trimpath -tags=remove_all_sd -ldflags='-s -w' -o bin/ github.com/prometheus/prometheus/cmd/promtool

# A log store for a test of log shipping; a module of its own, because of its dependencies.
.PHONY: victoria-logs
victoria-logs: bin/victoria-logs ## Build the log store of TestLogShipping

bin/victoria-logs: tools/victorialogs/go.mod tools/victorialogs/go.sum
	cd tools/victorialogs && go build -trimpath -o ../../bin/ github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs

bin/golangci-lint: tools/go.mod
	go build -modfile=tools/go.mod -o bin/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
