"""What is Redis asked to do in one step? Lua scripts, and how they are run.

A script works out the keys of a document's passages itself, which is allowed because the hash tag puts them
in the same slot. `#!lua` has a script refused before it begins where memory is full, not halfway; those that
make room, or must work all the same, are let in (allow-oom).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import redis
from redis import exceptions as given

from hybrid.stores.redis_client import location, meaning, run, translated
from hybrid.stores.redis_layout import Argument

_REPLACE = """
local held = redis.call('HMGET', KEYS[1], '_v', '_n')
if held[1] and held[1] >= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
for number = 1, tonumber(held[2] or 1) - 1 do redis.call('DEL', ARGV[2] .. number .. ARGV[3]) end
local at = 5
for _, key in ipairs(KEYS) do
  local last = at + tonumber(ARGV[at])
  redis.call('HSET', key, unpack(ARGV, at + 1, last))
  at = last + 1
end
local before, now = tonumber(held[2] or 0), tonumber(redis.call('HGET', KEYS[1], '_n'))
local documents, vectors = math.min(now, 1) - math.min(before, 1), now - before
if documents ~= 0 then redis.call('HINCRBY', ARGV[4], 'documents', documents) end
if vectors ~= 0 then redis.call('HINCRBY', ARGV[4], 'vectors', vectors) end
return 1
"""

WRITE = "#!lua\n" + _REPLACE
"""Writes a record over an older version; 1 if it did.

KEYS: the document's hash, then its passages'. ARGV: the version, what stands before and after the number
in a passage's key, the tally, then for each key the number of its arguments and these (field, value, …)."""

BURY = "#!lua flags=allow-oom\n" + _REPLACE
"""WRITE for tombstones, which are let in when memory is full: deleting is what makes room."""

READ = """#!lua flags=no-writes
local held = redis.call('HMGET', KEYS[1], '_v', '_h', '_kind', '_src', '_pas', '_n', '_vec')
for number = 1, tonumber(held[6] or 1) - 1 do
  held[#held + 1] = redis.call('HGET', ARGV[1] .. number .. ARGV[2], '_vec')
end
return held
"""
"""All that is held of a document, as `redis_layout.record` takes it; in one step, so of one version.

KEYS: the document's hash. ARGV: what stands before and after the number in a passage's key."""

STATES = """#!lua flags=no-writes
local held = {}
for place, key in ipairs(KEYS) do
  local of = redis.call('HMGET', key, '_v', '_h', '_kind', '_n')
  for number = 1, tonumber(of[4] or 1) - 1 do
    local passage = ARGV[1] .. number .. ':' .. string.sub(key, tonumber(ARGV[2]))
    if redis.call('EXISTS', passage) == 0 then of[2] = '' end
  end
  held[place] = {of[1], of[2], of[3]}
end
return held
"""
"""What is known of many documents at once: a fifth of the time in Python that a command each takes. A document of
which a passage is gone has another hash than any content.

KEYS: the documents' hashes. ARGV: what stands before the number in a passage's key, and where in a document's key its
id begins, from 1."""

FORGET = """#!lua flags=allow-oom
local held = redis.call('HMGET', KEYS[1], '_kind', '_v')
if held[1] ~= 't' or held[2] >= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""
"""Removes a tombstone that is older than a version; 1 if it did. KEYS: the document's hash. ARGV: the version."""

COUNT = "#!lua flags=allow-oom\nreturn redis.call('INCR', KEYS[1])"
"""The next number of a counter. KEYS: the counter."""

_SHA = {
    script: hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
    for script in (WRITE, BURY, READ, STATES, FORGET)
}


def call(script: str, keys: Sequence[str], arguments: Sequence[Argument]) -> list[Argument]:
    """The command that runs a script, by its digest."""
    return ["EVALSHA", _SHA[script], len(keys), *keys, *arguments]


def run_all(client: redis.Redis, commands: Sequence[Sequence[Argument]], failure: str) -> list[Any]:
    """The scripts' answers. Each either ran or is raised for; those before a failed one may have run.

    failure: what a script that failed leaves undone, such as "records not read".
    """
    answers = run_each(client, commands)
    failed = [answer for answer in answers if isinstance(answer, Exception)]
    if failed:
        error = meaning(failed[0], f"{location(client)}, {len(failed)} of {len(answers)} {failure},")
        raise error from failed[0]
    return answers


def run_each(client: redis.Redis, commands: Sequence[Sequence[Argument]]) -> list[Any]:
    """The scripts' answers; the error of each that failed is among them, as redis-py has it."""
    with translated(client):
        answers = pipelined(client, commands)
        missing = [place for place, answer in enumerate(answers) if isinstance(answer, given.NoScriptError)]
        if missing:  # a server that started anew has forgotten them
            for script in _SHA:
                run(client, "SCRIPT LOAD", script)
            again = pipelined(client, [commands[place] for place in missing])
            answers = [again.pop(0) if isinstance(one, given.NoScriptError) else one for one in answers]
    return answers


def pipelined(client: redis.Redis, commands: Sequence[Sequence[Argument]]) -> list[Any]:
    """The answers to commands that are sent together on one connection; errors are among them, not raised."""
    with client.pipeline(transaction=False) as pipeline:
        for command in commands:
            pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
        return pipeline.execute(raise_on_error=False)
