# `just` lists these; each is one command that works without just as well.

# Lists the recipes.
default:
    @just --list

# What the tests need: programs, fonts, pinned tools.
setup:
    scripts/setup

# Everything that has to pass before a change is merged.
test:
    scripts/test

# Formatting, spelling and lints only.
lint:
    scripts/test --only fmt,typos,clippy

# Made-up files for what reads results and scenarios: `just fuzz outcome 600`.
fuzz *options:
    scripts/fuzz {{options}}

# A run of a scenario: `just bench ramp --systems wheel`.
bench scenario="ramp" *options:
    cargo run --release --locked -- run {{scenario}} {{options}}

# This program against the last one that passed: `just nightly --scenario ramp`.
nightly *options:
    scripts/nightly prepare {{options}}
    scripts/nightly measure {{options}}
    scripts/nightly gate {{options}}

# The report of a run again: `just report results/ramp/…/result.json`.
report *options:
    cargo run --release --locked -- report {{options}}

# What earlier runs left in brokers; then all that was built.
clean:
    cargo run --release --locked -- clean
    cargo clean
