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

# A run of a scenario: `just bench ramp --systems wheel`.
bench scenario="ramp" *options:
    cargo run --release --locked -- run {{scenario}} {{options}}

# The report of a run again: `just report results/ramp/…/result.json`.
report *options:
    cargo run --release --locked -- report {{options}}

# What earlier runs left in brokers; then all that was built.
clean:
    cargo run --release --locked -- clean
    cargo clean
