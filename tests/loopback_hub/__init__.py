# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the Hugging Face Hub on 127.0.0.1: real HTTP, unmodified clients, faults on request.

It is a fake of the *server*, made to find out what our publishing does when the Hub refuses, stumbles or is
in use by somebody else. It is written from the requests that `huggingface_hub` 2.4, `hf_xet` 1.8, `datasets`
5.2, `evaluate` 0.4.6 and `peft` 0.21 send, and refuses at least as readily as the Hub; a route that none of
them uses does not exist and answers a loud 404. What passes here has not thereby been run against
huggingface.co.

    with LoopbackHub(folder) as hub:
        token = hub.add_user("ada", orgs=["my-org"])
        subprocess.run([...], env={**os.environ, "HF_ENDPOINT": hub.endpoint, "HF_TOKEN": token})
        hub.repo("dataset", "my-org/syco-tiny").tree()

The clients read `HF_ENDPOINT` when they are imported, so they belong in processes of their own.
"""

from loopback_hub.faults import Fault
from loopback_hub.server import LoopbackHub

__all__ = ["Fault", "LoopbackHub"]
