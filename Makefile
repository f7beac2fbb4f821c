# Two commands do all set-up on a machine that has Go and make:
#
#   make demo    builds the program and shows it at work; needs nothing else
#   make test    installs what the tests need and runs everything
#
# What is fetched or built lands in bin/ (the program) and .cache/ (tools); nothing else is
# touched but Debian packages that are missing. `make help` lists the other targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

CACHE := $(CURDIR)/.cache
TOOLS := $(CACHE)/bin
export PATH := $(TOOLS):$(PATH):/usr/sbin:/sbin

# VERSION, COMMIT and COMMIT_DATE are what `pgrelocate version` says.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT := $(shell git log -1 --format=%H 2>/dev/null)
COMMIT_DATE := $(shell TZ=UTC0 git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(COMMIT_DATE)

# PKGS narrows the tests, FUZZTIME is how long each fuzz target runs.
PKGS ?= ./...
FUZZTIME ?= 2s

# BENCH are flags for the benchmark.
BENCH ?=

# Tests that need a real server fail where it is absent instead of being skipped. Empty
# skips them.
PGRELOCATE_REQUIRE_REAL ?= 1
export PGRELOCATE_REQUIRE_REAL

# A folder that holds kube-apiserver and etcd; set it to bring your own.
KUBEBUILDER_ASSETS ?= $(TOOLS)
export KUBEBUILDER_ASSETS

##@ The two commands

.PHONY: demo
demo: build ## build the program and run its demonstration: a whole release, two registries
	bin/pgrelocate demo

.PHONY: test
test: test-deps ## run all tests, those of our own code with the race detector, then each fuzz target for FUZZTIME
	tests/run.sh $(PKGS)
	tests/fuzz.sh $(FUZZTIME) $(PKGS)
	@cat $(CACHE)/test-summary.txt

##@ Building

.PHONY: build
build: ## build bin/pgrelocate
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/pgrelocate ./cmd/pgrelocate

.PHONY: docs
docs: ## write the generated pages: commands, settings, exit codes, results, the schema
	go test ./cmd/pgrelocate -run '^TestDocs' -count=1 -update
	go test ./internal/versions/schema -run '^TestSchema$$' -count=1 -update
	go test ./internal/registry/lock -run '^TestSchema$$' -count=1 -update

.PHONY: pictures
pictures: $(TOOLS)/registry ## renew the pictures of a terminal in docs/pictures, from real runs (Linux)
	go test ./tests/pictures -count=1 -update

.PHONY: site
site: ## write the documentation as web pages into dist-site/
	go run ./tests/site . dist-site

.PHONY: release-check
release-check: $(TOOLS)/goreleaser ## check .goreleaser.yaml
	goreleaser check

# extras are what archives carry beside the program. Their dates are the commit's, so that the same
# commit makes the same bytes.
EXTRAS := $(CACHE)/extras
.PHONY: extras
extras: export SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2>/dev/null)
extras: build ## write completions, manual pages and the notices of others into .cache/extras
	rm -rf $(EXTRAS)
	mkdir -p $(EXTRAS)/completions $(EXTRAS)/man
	for shell in bash zsh fish powershell; do \
	  bin/pgrelocate completion $$shell >$(EXTRAS)/completions/pgrelocate.$${shell/powershell/ps1}; done
	go test ./cmd/pgrelocate -run '^TestManuals$$' -count=1 -manuals $(EXTRAS)/man
	gzip -9n $(EXTRAS)/man/*.1
	go run ./tests/licences/notices >$(EXTRAS)/THIRD_PARTY_NOTICES.txt

# Where a key is, the checksums are signed; `make snapshot` builds what it can without one.
.PHONY: snapshot
snapshot: debian-release $(addprefix $(TOOLS)/,goreleaser cyclonedx-gomod crane) ## build all of a release into dist/, publish nothing, and try it
	goreleaser release --snapshot --clean --skip=publish $(if $(MINISIGN_SECRET_KEY_FILE),,--skip=sign)
	tests/release.sh dist

.PHONY: release
release: debian-release $(TOOLS)/goreleaser $(TOOLS)/cyclonedx-gomod ## build and publish the release of the tag that is checked out
	goreleaser release --clean $(if $(MINISIGN_SECRET_KEY_FILE),,--skip=sign)

.PHONY: release-image
release-image: ## put the container image of the release in dist/ into IMAGES, a HOST/FOLDER
	tests/image.sh dist $(IMAGES)

##@ Checking

.PHONY: test-deps
test-deps: debian-test $(addprefix $(TOOLS)/,gotestsum registry crane oras conformance) kube ## install and build what the tests need

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (make fuzz FUZZTIME=5m)
	tests/fuzz.sh $(FUZZTIME) $(PKGS)

.PHONY: test-node
test-node: node ## boot a real node (Debian, root) and let it pull a relocated release
	PGRELOCATE_TEST_NODE=1 go test -count=1 -timeout 20m -v ./tests/node

.PHONY: test-neighbours
test-neighbours: build debian-bench $(addprefix $(TOOLS)/,registry crane regsync) ## hold what export writes against the tools that read it
	cd tests/neighbours && go test -count=1 ./...

.PHONY: bench
bench: peers build ## measure pgrelocate beside other tools (make bench BENCH='--scale 0.02 --n 1' is a quick look)
	go run ./tests/bench --program bin/pgrelocate --json $(CACHE)/bench.json $(BENCH)

.PHONY: lint
lint: debian-lint $(TOOLS)/golangci-lint ## run the linters
	golangci-lint run ./...
	shellcheck .ci/run $$(git ls-files '*.sh')

.PHONY: docs-check
docs-check: ## check that the generated pages are current
	@mkdir -p $(CACHE)
	go test ./cmd/pgrelocate -run '^TestDocs' -count=1 -v | tee $(CACHE)/docs-check.txt | grep -v '^=== '
	@grep -q '^--- PASS: TestDocs ' $(CACHE)/docs-check.txt # a check that checked nothing is a failure

# CROSS are the systems that everything has to compile for, tests included. What does not is left
# out there by name: the benchmark has process groups of Unix; controller-runtime's test
# environment for an API server does not compile for Windows; a node is Linux.
CROSS := linux/arm64 darwin/arm64 windows/amd64
CROSS_NOT_darwin := tests/node
CROSS_NOT_windows := tests/bench tests/bench/processes tests/cluster tests/node

.PHONY: cross
cross: $(addprefix cross-,$(subst /,-,$(CROSS))) ## check that all compiles for the other systems
cross-%:
	GOOS=$(word 1,$(subst -, ,$*)) GOARCH=$(word 2,$(subst -, ,$*)) go vet $$(go list ./... | grep -v -x \
	  -e none $(addprefix -e github.com/pgrelocate/pgrelocate/,$(CROSS_NOT_$(word 1,$(subst -, ,$*)))))

.PHONY: vulnerabilities
vulnerabilities: $(TOOLS)/govulncheck ## look for known vulnerabilities, where the database can be reached
	tests/vulnerabilities.sh ./...

.PHONY: fmt
fmt: $(TOOLS)/golangci-lint ## format the code
	golangci-lint fmt ./...

##@ Help and housekeeping

.PHONY: clean
clean: ## remove what was built, but not the tools
	rm -rf bin dist dist-site

.PHONY: distclean
distclean: clean ## remove the tools as well
	rm -rf .cache

.PHONY: help
help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

# Tools, each from a recipe of its own: see tests/tools/README.md.

KUBE_VERSION := v1.36.3
KUBE_LDFLAGS := -X k8s.io/component-base/version.gitVersion=$(KUBE_VERSION) \
  -X k8s.io/component-base/version.gitMajor=$(word 2,$(subst ., ,$(subst v,v.,$(KUBE_VERSION)))) \
  -X k8s.io/component-base/version.gitMinor=$(word 3,$(subst ., ,$(subst v,v.,$(KUBE_VERSION))))

# $(call tool,BINARY,RECIPE,PACKAGE,LDFLAGS,ENVIRONMENT AND FLAGS,HOW LONG) is the rule
# that builds one tool.
define tool
$(TOOLS)/$(1): tests/tools/$(2)/go.mod tests/tools/$(2)/go.sum
	@mkdir -p $(TOOLS)
	@echo "building $(1) from source, once; this takes $(or $(6),seconds)" >&2
	@cd tests/tools/$(2) && env CGO_ENABLED=0 $(5) go build -trimpath -ldflags '-s -w $(4)' -o $$@.new $(3)
	@mv $$@.new $$@
endef

$(eval $(call tool,gotestsum,gotestsum,gotest.tools/gotestsum))
$(eval $(call tool,registry,distribution,github.com/distribution/distribution/v3/cmd/registry,,,a minute))
$(eval $(call tool,govulncheck,govulncheck,golang.org/x/vuln/cmd/govulncheck))
$(eval $(call tool,crane,crane,github.com/google/go-containerregistry/cmd/crane))
$(eval $(call tool,regctl,regclient,github.com/regclient/regclient/cmd/regctl))
$(eval $(call tool,regsync,regclient,github.com/regclient/regclient/cmd/regsync))
$(eval $(call tool,oras,oras,oras.land/oras/cmd/oras))
$(eval $(call tool,conformance,conformance,github.com/opencontainers/distribution-spec/conformance))
$(eval $(call tool,golangci-lint,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,,,some minutes))
$(eval $(call tool,cyclonedx-gomod,cyclonedx-gomod,github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod))
$(eval $(call tool,goreleaser,goreleaser,github.com/goreleaser/goreleaser/v2,,,some minutes))
$(eval $(call tool,kube-apiserver,kube-apiserver,k8s.io/kubernetes/cmd/kube-apiserver,$(KUBE_LDFLAGS),,five minutes))
$(eval $(call tool,kube-controller-manager,kube-apiserver,k8s.io/kubernetes/cmd/kube-controller-manager,$(KUBE_LDFLAGS),,two minutes))
$(eval $(call tool,kube-scheduler,kube-apiserver,k8s.io/kubernetes/cmd/kube-scheduler,$(KUBE_LDFLAGS)))
$(eval $(call tool,kubelet,kube-apiserver,k8s.io/kubernetes/cmd/kubelet,$(KUBE_LDFLAGS)))
$(eval $(call tool,etcd,etcd,go.etcd.io/etcd/server/v3,,,half a minute))
$(eval $(call tool,runc,runc,github.com/opencontainers/runc,,CGO_ENABLED=1 GOFLAGS=-tags=seccomp))

# kube is the API server that the tests run: built, unless KUBEBUILDER_ASSETS names one.
.PHONY: kube
ifeq ($(KUBEBUILDER_ASSETS),$(TOOLS))
kube: $(TOOLS)/kube-apiserver $(TOOLS)/etcd
else
kube:
endif

# node is what else a real node needs, peers what the benchmark measures against.
.PHONY: node peers
node: debian-node kube $(addprefix $(TOOLS)/,kube-controller-manager kube-scheduler kubelet runc)
peers: debian-bench $(addprefix $(TOOLS)/,crane regctl regsync oras registry)

# debian-GROUP looks after Debian's packages.
debian-%:
	@tests/tools/debian.sh $(CACHE) $*
