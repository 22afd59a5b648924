# SPDX-License-Identifier: Apache-2.0
"""`python -m sycophancy`, where the command `sycophancy` is not on the path."""

from sycophancy.cli import main

if __name__ == "__main__":
    main()
