"""What a seed decides: the same arithmetic as the Rust side's ``seeded.rs``.

All of it is the finaliser of SplitMix64 over a seed and a place. The vectors
in ``attempts.json`` keep every language's version the same.
"""

MASK = (1 << 64) - 1
GOLDEN_GAMMA = 0x9E37_79B9_7F4A_7C15


def mix(value: int) -> int:
    """SplitMix64's finaliser."""
    z = value
    z = ((z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB) & MASK
    return z ^ (z >> 31)


def at(seed: int, place: int) -> int:
    """The value of ``seed`` at ``place``."""
    return mix((seed + (place + 1) * GOLDEN_GAMMA) & MASK)


def purpose(seed: int, number: int) -> int:
    """A seed for one purpose."""
    return mix(seed ^ mix((number * GOLDEN_GAMMA) & MASK))


def attempt_fails(seed: int, task: int, attempt: int, fail_ppm: int) -> bool:
    """Whether an attempt of a task is planned to fail; 0 is the first."""
    value = mix((mix(seed ^ task) + attempt) & MASK)
    return value % 1_000_000 < fail_ppm
