"""A real Celery worker that runs the benchmark's tasks and reports each run.

What it does comes as one line of JSON on standard input, secrets included;
what it reports are 32-byte records on descriptor 3.
"""
