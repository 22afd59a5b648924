# SPDX-License-Identifier: Apache-2.0
"""How every command of the project ends: status 0 only on success, one clear line and status 2 on bad input."""

import os
import sys
from collections.abc import Callable


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`; turn an error about the user's input into one line on stderr and exit status 2.

    The library raises `ValueError` (and the Hugging Face libraries `FileNotFoundError`) for input that cannot be
    used, with what was expected, what came and what to do. Anything else is a bug of ours and keeps its
    traceback. Set `SYCO_TRACEBACK=1` to see the traceback of input errors too.
    """
    try:
        main()
    except (ValueError, OSError) as error:
        if os.environ.get("SYCO_TRACEBACK"):
            raise
        # One line: an error text from a library may span several.
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
