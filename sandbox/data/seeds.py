"""Randomness that repeats, and that one person's does not disturb another's."""

from __future__ import annotations

import hashlib
import random


def stream(seed: int, *purpose: object) -> random.Random:
    return random.Random("/".join(map(str, (seed, *purpose))))


def digest(seed: int, *purpose: object) -> str:
    return hashlib.sha256("/".join(map(str, (seed, *purpose))).encode()).hexdigest()
