"""What our tallies tell is what prometheus_client's own metrics would."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from gateway.tallies import TallyCounter, TallyHistogram

BOUNDS = (0.001, 0.5, 1, 10, 1_000_000)


def told(registry):
    """Without what only theirs tells: when each series was begun."""
    lines = generate_latest(registry).decode().splitlines()
    return sorted(line for line in lines if "_created" not in line)


values = st.sampled_from(BOUNDS) | st.floats(0, 2e6)


@given(st.lists(st.tuples(st.sampled_from(["estimated", "actual"]), values)))
def test_a_histogram_by_a_label(observed):
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tallies = TallyHistogram("points", "Points", BOUNDS, ours, label="kind")
    histogram = Histogram("points", "Points", ["kind"], registry=theirs, buckets=BOUNDS)
    for kind, value in observed:
        tallies.of(kind).observe(value)
        histogram.labels(kind).observe(value)
    assert told(ours) == told(theirs)


@given(st.lists(values))
def test_a_histogram_by_no_label(observed):
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally = TallyHistogram("seconds", "Seconds", BOUNDS, ours).of()
    histogram = Histogram("seconds", "Seconds", registry=theirs, buckets=BOUNDS)
    for value in observed:
        tally.observe(value)
        histogram.observe(value)
    assert told(ours) == told(theirs)


@given(st.lists(st.sampled_from(["OK", "FORBIDDEN", 'a "quoted"\nline'])))
def test_a_counter(counted):
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally = TallyCounter("requests", "Requests", "code", ours)
    counter = Counter("requests", "Requests", ["code"], registry=theirs)
    for code in counted:
        tally.count(code)
        counter.labels(code).inc()
    assert told(ours) == told(theirs)
