"""The real Redis and the real Elasticsearch that the tests run against.

`python -m tests.servers` starts both for a developer, `tests.servers.fixtures` for pytest. Where they come from, in
this order: addresses in the environment, Docker with the repository's docker-compose.yml, packages (kept in a cache).
"""
