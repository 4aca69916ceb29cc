#!/bin/sh
# What each loop over the pixels of a small picture takes (criterion), and whether it is vector instructions.
set -eu
cd "$(dirname "$0")/.."
cargo bench --locked --package video_analysis --features kernels --bench kernels -- --noplot
scripts/check-vectorized
