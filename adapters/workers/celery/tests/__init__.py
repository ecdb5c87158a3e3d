"""Tests of the worker's own code; the suite of the harness runs the worker itself."""
