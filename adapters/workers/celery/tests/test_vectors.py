"""The arithmetic that workers of every language share."""

import json
import unittest
from pathlib import Path
from typing import Any

from schedworker import seeded
from schedworker.bodies import BodyPool
from schedworker.work import Fill

VECTORS = Path(__file__).parents[3] / "contract" / "vectors"


def cases(name: str) -> list[dict[str, Any]]:
    """Reads the cases of a vector file."""
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text())["cases"]
    if not found:
        raise AssertionError(f"{name} has no cases")
    return found


class Vectors(unittest.TestCase):
    """What Rust and Go are tested against as well."""

    def test_attempts_fail_as_planned(self) -> None:
        for case in cases("attempts.json"):
            fails = seeded.attempt_fails(
                case["seed"], case["id"], case["attempt"], case["fail_ppm"]
            )
            self.assertEqual(fails, case["fails"], case)

    def test_bodies_are_those_that_were_sent(self) -> None:
        for case in cases("bodies.json"):
            pool = BodyPool(Fill(seed=case["seed"], bytes=case["bytes"]))
            self.assertEqual(pool.of(case["id"]).hex(), case["body"], case)
            body = bytes.fromhex(case["body"])
            self.assertTrue(pool.is_intact(case["id"], body))
            self.assertFalse(pool.is_intact(case["id"], body + b"x"))
            if body:
                flipped = bytes([body[0] ^ 1]) + body[1:]
                self.assertFalse(pool.is_intact(case["id"], flipped))

    def test_the_generator_is_the_published_one(self) -> None:
        made = [seeded.at(1_234_567, place) for place in range(3)]
        self.assertEqual(
            made, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        )


if __name__ == "__main__":
    unittest.main()
