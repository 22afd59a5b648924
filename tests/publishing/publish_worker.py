# SPDX-License-Identifier: Apache-2.0
"""Answer lines of JSON with what `publish` made of them; see `hub_clients.Publisher`."""

import dataclasses
import json
import sys
import time

from sycophancy.publishing import publish


def main() -> None:
    for line in sys.stdin:
        started = time.monotonic()
        try:
            result = publish(**json.loads(line))
            answer = {**dataclasses.asdict(result), "report": result.report()}
        except ValueError as error:
            answer = {
                "error": type(error).__name__,
                "text": str(error),
                "attempts": getattr(error, "attempts", 0),
            }
            answer["status"] = getattr(error, "status", None)
        print(json.dumps({**answer, "seconds": time.monotonic() - started}), flush=True)


main()
