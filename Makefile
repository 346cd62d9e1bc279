# fastnb: every chore by name. `make help` lists them.

GO        ?= go
LESSONS    = lesson3-planet lesson3-camvid lesson3-imdb lesson3-head-pose
NB        ?= $(LESSONS)
ARGS      ?=
OUT       ?= out
VENV      ?= .venv
LINT       = $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
ECHARTS    = 5.6.0
PLATFORMS  = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64
export CGO_ENABLED = 0
# One set of flags for build, vet and test: what one of them compiled serves the others.
export GOFLAGS := $(GOFLAGS) -trimpath

VERSION   ?= 0.1.0
.PHONY: pin soak-train generate-ptx check-ptx fuzz race kills vuln wheel docs help build lesson lab test test-more oracle check bench bench-torch bench-kernel bench-serve soak soak-serve soak-steps generate assets size clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: assets ## build bin/fastnb; TAGS=nogpu for a static one without graphics cards
	$(GO) build -ldflags "-s -w" $(if $(TAGS),-tags $(TAGS)) -o bin/fastnb ./cmd/fastnb

lesson: build ## run the lesson's notebooks offline on generated data; NB=name for one, ARGS for `nb run`
	@mkdir -p $(OUT)
	@set -e; for nb in $(NB); do \
	  FASTNB_OFFLINE=1 FASTNB_HOME=$${FASTNB_HOME:-$(CURDIR)/$(OUT)/home} \
	  bin/fastnb nb run -o $(OUT)/$$nb.ipynb --html $(OUT)/$$nb.html $(ARGS) notebooks/$$nb.ipynb; done

lab: build $(VENV)/bin/jupyter-lab ## open the notebooks in JupyterLab (in a virtual environment made here)
	bin/fastnb kernel install --prefix $(VENV)
	FASTNB_MIRROR=$${FASTNB_MIRROR:+$$(realpath $$FASTNB_MIRROR)} $(VENV)/bin/jupyter-lab notebooks

$(VENV)/bin/jupyter-lab:
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install -q -r test/requirements.txt

test: assets ## the tests: no GPU, no network beyond package registries
	$(GO) vet ./...
	$(GO) test ./...

KIT ?= $(OUT)/gpu-kit
test-gpu: build ## what takes a device: the CUDA double, every test that PoCL or a card (FASTNB_TEST_DEVICE=cuda) can run, and the script for a machine with a card, rehearsed
	FASTNB_TEST_GPU=all $(GO) test -timeout 60m ./fastnb/device/gpu/... ./internal/genptx/...
	FASTNB_DOUBLE_CAPABILITY=7.5 FASTNB_DOUBLE_SEED=$${SEED:-7} FASTNB_DOUBLE_TWICE=1 $(GO) test -count 1 -timeout 60m ./fastnb/device/gpu/cuda
	test/gpu/prepare.sh $(KIT)
	FASTNB_DEVICE=$${FASTNB_TEST_DEVICE:-opencl} TINY=1 bash $(KIT)/run.sh $(ARGS)

test-more: build ## what CI runs besides: other platforms' builds, Jupyter's own tests, the browser
	@set -e; for p in $(PLATFORMS); do echo "== $$p"; \
	  GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -o /dev/null ./cmd/fastnb; \
	  GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) vet ./...; done
	$(MAKE) race
	$(MAKE) check-ptx
	$(MAKE) $(VENV)/bin/jupyter-lab oracle
	VENV=$(abspath $(VENV)) test/more.sh

oracle: ## build stock gophernotes, with which more.sh compares
	@mkdir -p $(OUT)/oracle
	$(GO) build -C internal/oracle -o ../../$(OUT)/oracle/gophernotes github.com/gopherdata/gophernotes

check: ## formatting, vet, lint, generated files up to date, short tests
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'not gofmt-ed'; exit 1; }
	$(GO) vet ./...
	$(LINT) run ./...
	$(MAKE) generate
	git diff --exit-code --stat
	$(MAKE) vuln
	$(GO) test -short ./...

bench: build ## speed beside PyTorch with fastai, side by side in one run
	bench/run.sh $(ARGS)

TORCH_VENV ?= $(HOME)/.cache/fastnb/torch-venv
ROUNDS ?= 5
bench-torch: build ## steps beside PyTorch's newest, in turns; ONLY=name,name ROUNDS=n JSON=file PICTURE=file
	@TORCH_VENV=$(TORCH_VENV) bench/setup_torch.sh
	$(TORCH_VENV)/bin/python bench/beside.py bin/fastnb --only "$(ONLY)" --rounds $(ROUNDS) --json "$(JSON)" --picture "$(PICTURE)" $(ARGS)

bench-kernel: build $(VENV)/bin/jupyter-lab ## the kernel beside ipykernel, side by side in one run, and its process by itself
	$(VENV)/bin/python bench/kernel.py bin/fastnb $(ARGS)

bench-serve: build ## fastnb serve beside Starlette, uvicorn and PyTorch on this machine, in turns; ROUNDS=n ARGS="--seconds 8 --clients 1,8,64"
	@TORCH_VENV=$(TORCH_VENV) bench/setup_torch.sh
	@$(TORCH_VENV)/bin/python -c 'import starlette, uvicorn, PIL' 2>/dev/null || $(TORCH_VENV)/bin/pip install -q starlette uvicorn pillow
	$(GO) build -o $(OUT)/loader ./bench/serve
	FASTNB_OFFLINE=1 $(TORCH_VENV)/bin/python bench/serve_beside.py bin/fastnb $(OUT)/loader $(OUT)/bench-serve --rounds $(ROUNDS) --json "$(JSON)" $(ARGS)

soak-serve: build ## fastnb serve asked by 4 clients for D (as 10m): memory flat, nothing refused
	$(GO) build -o $(OUT)/loader ./bench/serve
	test/soak_serve.sh bin/fastnb $(OUT)/loader $(OUT)/bench-serve $(D)

soak-steps: build ## 2,000 training steps of small text models and a picture one: memory flat, under 1 MB allocated a step
	test/soak_steps.sh bin/fastnb $(NAMES)

PKGSITE  = v0.6.0
PAGEFIND = 1.6.0
docs: ## the reference as static pages with search, in out/docs (search needs npm)
	GOBIN=$(abspath $(OUT))/tools $(GO) install golang.org/x/pkgsite/cmd/pkgsite@$(PKGSITE)
	rm -rf $(OUT)/docs
	$(GO) run ./internal/docsite -out $(OUT)/docs $(OUT)/tools/pkgsite
	@command -v npx >/dev/null || { echo 'npx not found: the pages have no search'; exit 0; }; \
	npx --yes pagefind@$(PAGEFIND) --silent --site $(OUT)/docs && echo 'open $(OUT)/docs/index.html by a server: python3 -m http.server -d $(OUT)/docs'

WHEELS ?= $(PLATFORMS)
wheel: build ## Python wheels with program and kernelspec, for each platform (WHEELS=linux/amd64 for one): pip install dist/fastnb-...whl
	@set -e; for p in $(WHEELS); do \
	  GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -ldflags "-s -w -X main.version=$(VERSION)" -o $(OUT)/wheel/$$p/fastnb ./cmd/fastnb; \
	  bin/fastnb kernel wheel --platform $$p --of $(VERSION) --out dist $(OUT)/wheel/$$p/fastnb; done

FUZZTIME ?= 60s
fuzz: ## every fuzz target for FUZZTIME (60s), under a cap on memory; ARGS="vision|wire" for those whose file or name has it
	@test/fuzz.sh $(FUZZTIME) "$(ARGS)"

race: ## short tests of the library and of the kernel's sockets and files and of the server under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -short -timeout 25m ./cell/... ./datasets/... ./plotting/... ./internal/whole/... ./kernel/build ./kernel/nb ./kernel/wire ./serve $$($(GO) list ./fastnb/... | grep -v -e /device/gpu -e /devicetest -e /models)

KILLS ?= 200
kills: ## kill -9 at random moments of writing, KILLS times (200) each, with what was acknowledged compared
	KILLS=$(KILLS) $(GO) test -v -count 1 -timeout 120m ./internal/killtest

vuln: ## known vulnerabilities of the dependencies, where their database can be reached
	@if curl -sf -m 10 -o /dev/null https://vuln.go.dev/index/db.json; then $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...; \
	else echo 'vuln: the database of vulnerabilities cannot be reached from here: not checked'; fi

pin: ## pin the images of docker/ to the digests that their tags have today (needs docker and its registry)
	docker/pin.sh

D ?= 15m
N ?= 1000
soak: build $(VENV)/bin/jupyter-lab ## wear the kernel: N start/stop cycles, then random messages for D (as 15m)
	$(VENV)/bin/python test/soak.py bin/fastnb --cycles $(N) --seconds $$(echo $(D) | sed 's/h/*3600/;s/m/*60/;s/s//' | { read e; echo $$(($$e)); }) $(ARGS)

H ?= 1h
soak-train: build $(VENV)/bin/jupyter-lab ## wear training: a small model trained for H (as 1h), interrupted at random moments
	$(VENV)/bin/python test/soak_train.py bin/fastnb --seconds $$(echo $(H) | sed 's/h/*3600/;s/m/*60/;s/s//' | { read e; echo $$(($$e)); }) $(ARGS)

generate: ## write bindings and assembly anew
	$(GO) generate ./...

generate-ptx: ## compile the GPU's kernels that changed to PTX (Linux; NVRTC comes from PyPI); ARGS="-unit NAME -ptxas" for one
	$(GO) run ./internal/genptx $(ARGS)
	cd fastnb/device/gpu/cuda/double && $(GO) run ./testdata/gen.go

check-ptx: ## compile them all again, compare, and see that ptxas takes them for every card without spills
	$(GO) run ./internal/genptx -check -ptxas

assets: plotting/assets/echarts.min.js.gz ## fetch the chart script from the npm registry and pack it

plotting/assets/echarts.min.js.gz:
	@command -v npm >/dev/null || { echo 'npm not found: charts will be pictures unless online'; exit 0; }; \
	mkdir -p plotting/assets; t=$$(mktemp -d) && (cd $$t && npm pack --silent echarts@$(ECHARTS) >/dev/null && tar xzf echarts-$(ECHARTS).tgz) && \
	gzip -9nc $$t/package/dist/echarts.min.js > $@.tmp && mv $@.tmp $@; rm -rf $$t

size: ## lines per package and the largest files
	@git ls-files '*.go' | grep -v -e _test.go -e /gen_ | xargs wc -l | sort -rn | head -16
	@for d in $$(git ls-files '*.go' | xargs -n1 dirname | sort -u); do \
	  n=$$(ls $$d/*.go | grep -v -e _test.go -e /gen_ | xargs cat 2>/dev/null | wc -l); echo "$$n $$d"; done | sort -rn

clean: ## remove what was built
	rm -rf bin dist $(OUT) plotting/assets/*.gz
