"""Starts one stand-in by hand, to run the whole application against it.

``python -m tests.providers openai --port 9100 --fault drop_after_accept --fault answered=3``
"""

from __future__ import annotations

import argparse
import sys
import threading
from dataclasses import fields
from typing import Any, get_type_hints

from tests.providers.standins.anthropic import AnthropicStandIn
from tests.providers.standins.base import Behaviour, EndAs, StandIn
from tests.providers.standins.bedrock import BedrockStandIn
from tests.providers.standins.google import GeminiStandIn, VertexStandIn
from tests.providers.standins.openai import AzureStandIn, CompatibleStandIn, OpenAIStandIn

# One line for each stand-in.
SERVERS: dict[str, type[StandIn]] = {
    server.name: server
    for server in (
        OpenAIStandIn,
        AnthropicStandIn,
        BedrockStandIn,
        GeminiStandIn,
        VertexStandIn,
        AzureStandIn,
        CompatibleStandIn,
    )
}


def behaviour_of(faults: list[str]) -> Behaviour:
    """From ``name`` or ``name=value`` to a Behaviour; ValueError says what there is."""
    kinds = get_type_hints(Behaviour)
    named = {field.name for field in fields(Behaviour) if kinds[field.name] in {bool, int, int | None, EndAs}}
    values: dict[str, Any] = {}
    for fault in faults:
        name, has_value, value = fault.partition("=")
        if name not in named:
            raise ValueError(f"There is no fault {name!r}; there is {', '.join(sorted(named))}.")
        kind = kinds[name]
        if kind is bool:
            values[name] = not has_value or value.lower() in {"1", "true", "yes"}
        else:
            values[name] = EndAs(value) if kind is EndAs else int(value)
    return Behaviour(**values)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.providers", description=__doc__)
    parser.add_argument("name", choices=sorted(SERVERS))
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[=VALUE]")
    options = parser.parse_args()
    try:
        behaviour = behaviour_of(options.fault)
    except ValueError as error:
        parser.error(str(error))
    with SERVERS[options.name](port=options.port) as server:
        server.behaviour = behaviour
        sys.stdout.write(
            f"{options.name} answers at {server.base_url}\n"
            "The generation worker needs PROVIDER_HOSTS=127.0.0.1 and any text as key. Ctrl-C ends it.\n"
        )
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.stdout.write(f"{server.creates} creates, {len(server.calls)} calls.\n")


if __name__ == "__main__":
    main()
