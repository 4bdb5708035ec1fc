"""Buckets that all replicas share, in Redis or Valkey.

One script draws on all buckets of a request at once, by the server's clock, so that no two replicas
spend the same point. Keys are digests under one hash tag, which keeps a script's keys on one node
of a cluster. While Redis is away each process goes on with buckets of its own: a fleet of n then
gives a client n times its budget at most, and never less than its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.demand.buckets import Draw, Drawn, LocalBuckets
from gateway.telemetry import Metrics, log

TIMEOUT_SECONDS: Final = 0.25
PAUSE_SECONDS: Final = 1.0
"""After a failure, how long Redis is left alone, so that an outage does not slow every request."""

# Of each key: maximum, restore rate a second, amount; then whether it is forced. Numbers come back
# as text, for a script's own are cut to whole ones. What would be full by now is forgotten.
SCRIPT: Final = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local levels, short, wait = {}, 0, 0
local forced = ARGV[#ARGV] == '1'
for i, key in ipairs(KEYS) do
  local maximum, rate, amount = ARGV[3 * i - 2] + 0, ARGV[3 * i - 1] + 0, ARGV[3 * i] + 0
  local known = redis.call('HMGET', key, 'level', 'at')
  local level = maximum
  if known[1] and known[2] then
    level = math.min(maximum, known[1] + math.max(0, now - known[2]) * rate)
  end
  levels[i] = level
  local missing = (amount - level) / rate
  if missing > wait and not forced then short, wait = i, missing end
end
local answer = {tostring(short), string.format('%.6f', wait)}
for i, key in ipairs(KEYS) do
  if short == 0 then
    local maximum, rate = ARGV[3 * i - 2] + 0, ARGV[3 * i - 1] + 0
    levels[i] = math.min(maximum, levels[i] - ARGV[3 * i])
    redis.call('HSET', key, 'level', string.format('%.6f', levels[i]),
      'at', string.format('%.6f', now))
    redis.call('PEXPIRE', key, math.ceil((maximum - levels[i]) / rate * 1000) + 1000)
  end
  answer[#answer + 1] = string.format('%.6f', levels[i])
end
return answer
"""


class SharedBuckets:
    def __init__(self, redis: Redis, metrics: Metrics) -> None:
        self._script = redis.register_script(SCRIPT)
        self._metrics = metrics
        self._own = LocalBuckets()
        self._resume_at = 0.0
        self._away = False

    async def draw(self, draws: Sequence[Draw], *, force: bool = False) -> Drawn:
        if time.monotonic() >= self._resume_at:
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    answer = await self._script(*_call(draws, force=force))
            except (RedisError, OSError, TimeoutError) as error:
                self._resume_at = time.monotonic() + PAUSE_SECONDS
                if not self._away:
                    self._away = True
                    log.warning("budgets_alone", reason=type(error).__name__)
            else:
                if self._away:
                    self._away = False
                    log.info("budgets_shared")
                return _read(answer)
        self._metrics.budget_fallbacks.inc()
        return await self._own.draw(draws, force=force)


def _call(draws: Sequence[Draw], *, force: bool) -> tuple[list[str], list[float]]:
    keys = [f"cg:{{budgets}}:{draw.name}" for draw in draws]
    arguments = [
        number
        for draw in draws
        for number in (draw.bucket.maximum, draw.bucket.restore_rate, draw.amount)
    ]
    return keys, [*arguments, int(force)]


def _read(answer: Any) -> Drawn:
    short, wait, *levels = map(float, answer)
    return Drawn(tuple(levels), int(short) - 1 if short else None, wait)
