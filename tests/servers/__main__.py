"""`python -m tests.servers`: starts both servers and prints their addresses; Ctrl-C ends them.

    $ python -m tests.servers            in one terminal; then in another, as often as you like:
    $ export HYBRID_TEST_REDIS_URL=... HYBRID_TEST_ELASTICSEARCH_URL=...
    $ pytest

`--fetch` only fills the cache of programs, so that a later run needs no network.
"""

import argparse
import contextlib
import os
import shlex
import signal
import sys
from types import FrameType

from tests.servers.assemble import elasticsearch_program, redis_program
from tests.servers.errors import ServerError
from tests.servers.jdk import find_jdk
from tests.servers.provide import VARIABLES, Servers, Service


def fetch() -> None:
    redis = redis_program(os.environ)
    elasticsearch = elasticsearch_program(os.environ)
    print(f"redis-server   {redis.server}\nelasticsearch  {elasticsearch}\njava           {find_jdk(os.environ).home}")


def serve() -> None:
    with Servers(os.environ) as servers:
        servers.begin(list(Service))
        for service in Service:
            print(f"export {VARIABLES[service]}={shlex.quote(servers.url(service))}", flush=True)
        print("Both run until Ctrl-C.", file=sys.stderr)
        signal.pause()


def end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.servers", description="Starts Redis and Elasticsearch.")
    parser.add_argument("--fetch", action="store_true", help="only download the programs into the cache")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, end)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            fetch() if arguments.fetch else serve()
    except ServerError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
