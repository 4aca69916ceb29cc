# The commands of the README. What a command needs beyond Rust, a C compiler and git, it installs (scripts/install-tools).
.DEFAULT_GOAL := help
# What is run: the workspace without the program for sea-orm-cli.
BUILD := cargo build --release --locked --package user_service --package video_service --package video_analysis

.PHONY: help run demo test selftest check bench fuzz compose-test deny

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start both services on SQLite and ./data, until Ctrl-C
	@scripts/require-free-ports
	@scripts/install-tools ffmpeg curl
	$(BUILD)
	@scripts/run

demo: ## The same, with a sample video sent through: upload, analysis, report
	@scripts/require-free-ports
	@scripts/install-tools ffmpeg curl jq
	$(BUILD)
	@scripts/demo

# All features of the whole workspace and of what its tests need, here as in `check` (where `--examples` makes documentation ask for
# those): another selection would have dependencies compiled anew. Nothing runs until all is built, also the programs, for tests run those.
test: ## Run all tests, on SQLite and on a throw-away PostgreSQL, with a real mail server, public clients and readers
	@scripts/install-tools ffmpeg postgresql openssl curl jq python3-aiosmtpd python3-venv nodejs npm x264 x265
	@scripts/test-clients
	scripts/with-postgres cargo test --workspace --all-features --locked

selftest: ## The engine on clips of known truth: precision and recall, loudness, digests
	@scripts/install-tools ffmpeg
	cargo run --quiet --all-features --locked --package video_analysis -- selftest

check: ## Formatting, lints and documentation, warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --all-features --no-deps --locked --lib --examples

bench: ## Measure the engine against ffmpeg and loop by loop, accounts against bcrypt, videos against cp, @tus/server, pgbench and nginx
	@scripts/install-tools binutils ffmpeg python3 wrk postgresql nodejs npm nginx
	bench/run

fuzz: ## Feed parsers of tokens, decoders' words, reports with whatever libFuzzer thinks up, a minute for each
	scripts/fuzz

compose-test: ## Bring the Docker stack up, walk through it, kill it in the middle, take it down
	@scripts/install-tools ffmpeg curl jq
	scripts/compose-test

deny: ## Licences, sources and known vulnerabilities of the dependencies
	scripts/deny
