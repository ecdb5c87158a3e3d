"""Started by the harness: the work is one line of JSON on standard input."""

import sys

from schedworker.main import main

if __name__ == "__main__":
    sys.exit(main())
