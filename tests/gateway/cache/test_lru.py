"""The cache in this process: bounded in entries, in weight and in time."""

from gateway.cache.lru import LruCache


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_drops_what_was_not_used_for_longest():
    cache = LruCache[str, int](2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]


def test_keeps_an_entry_for_its_own_time():
    clock = Clock()
    cache = LruCache[str, int](2, clock=clock)
    cache.put("a", 1, seconds=10)
    cache.put("b", 2)
    clock.now = 9
    assert cache.get("a") == 1
    clock.now = 10
    assert cache.get("a") is None
    assert cache.get("b") == 2
    assert len(cache) == 1


def test_what_is_too_heavy_alone_pushes_out_nothing():
    cache = LruCache[str, int](100, weight=10)
    cache.put("a", 1, weight=4)
    cache.put("b", 2, weight=4)
    cache.put("b", 3, weight=11)
    assert [cache.get(key) for key in "ab"] == [1, None]


def test_bounds_the_sum_of_weights():
    cache = LruCache[str, int](100, weight=10)
    for key in "abc":
        cache.put(key, 1, weight=4)
    assert [cache.get(key) for key in "abc"] == [None, 1, 1]
    cache.put("b", 2, weight=1)
    cache.put("d", 1, weight=5)
    assert [cache.get(key) for key in "bcd"] == [2, 1, 1]


def test_does_not_keep_what_is_too_heavy_for_it():
    cache = LruCache[str, int](100, weight=10)
    cache.put("a", 1, weight=11)
    assert len(cache) == 0
    cache.put("b", 1, weight=10)
    assert cache.get("b") == 1
