#!/usr/bin/env bash
# Passes every test, on a fresh machine with a Rust toolchain:  tests/all.sh
# Exit code 0 only if each step passed. A step that a machine cannot do is named at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS
not_done=()

step() { printf '\n== %s (%d s)\n' "$1" $((SECONDS - started)); shift; "$@"; }

# OpenSSL (inside SQLCipher) and AWS-LC are built from source: they need a C compiler, make and perl.
needs=()
for tool in cc make perl; do command -v "$tool" >/dev/null || needs+=("$tool"); done
if ((${#needs[@]})); then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    step "Installing ${needs[*]}" sh -c 'apt-get update -qq && apt-get install -y -qq gcc libc6-dev make perl'
  else
    echo "Missing: ${needs[*]}. Install a C compiler, make and perl, then run this again." >&2
    exit 2
  fi
fi

step "Format" cargo fmt --all --check
step "Lints" cargo clippy --release --workspace --all-targets --quiet -- -D warnings
step "Documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps --quiet
if command -v cargo-deny >/dev/null; then
  step "Licences, bans, sources" cargo deny --offline check licenses bans sources
else
  not_done+=("licences and bans (deny.toml): cargo-deny is not installed; 'cargo install cargo-deny' and run this again")
fi
step "Build" cargo build --release --workspace --bins
step "Tests" cargo test --release --workspace
if ! links=$(cargo run --release --quiet -p dongbo-tests --bin links -- --can 2>&1); then
  not_done+=("bad links (tests/tests/roads): ${links##*NOT DONE: }")
elif [ "$links" != netem ]; then
  not_done+=("bad links by the kernel's netem (they were carried by $links); 'modprobe sch_netem' and run this again")
fi
step "The demo, at a hundredth of a province" cargo demo --size hundredth

printf '\nAll passed in %d s.\n' $((SECONDS - started))
for what in "${not_done[@]}"; do echo "Not done on this machine: $what"; done
