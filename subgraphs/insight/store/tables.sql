-- What is kept of exports. Nobody has a name here: a patient is known by its id at the source, and by the
-- person that the index says it is.
CREATE SEQUENCE IF NOT EXISTS numbers;

-- How the exports of each source went. `job` and what follows it are of the one under way.
CREATE TABLE IF NOT EXISTS export (
    source VARCHAR PRIMARY KEY,
    as_of VARCHAR,              -- the last whole one's transactionTime: the next one's _since
    full_at VARCHAR,        -- when everything was last read anew
    concepts VARCHAR,           -- of which concepts: others were left out
    state VARCHAR NOT NULL,     -- of the last try
    tried_at VARCHAR,
    finished_at VARCHAR,
    rows BIGINT NOT NULL DEFAULT 0,
    unreadable BIGINT NOT NULL DEFAULT 0,
    round BIGINT NOT NULL DEFAULT 0,
    job VARCHAR,
    job_since VARCHAR,
    done VARCHAR[] NOT NULL DEFAULT []
);

CREATE TABLE IF NOT EXISTS member (
    source VARCHAR,
    patient VARCHAR,
    person VARCHAR,             -- null where the index does not know it (yet)
    birth DATE,                 -- the person's, as the index has it
    links VARCHAR,              -- all of the person's, likewise, as JSON
    updated VARCHAR,
    is_active BOOLEAN,
    sex VARCHAR,
    born VARCHAR,
    has_died BOOLEAN,
    organization VARCHAR,
    labels VARCHAR[],
    round BIGINT,
    PRIMARY KEY (source, patient)
);

CREATE TABLE IF NOT EXISTS fact (
    no BIGINT,
    source VARCHAR,
    type VARCHAR,
    id VARCHAR,
    patient VARCHAR,
    concept VARCHAR,
    day DATE,
    until DATE,                 -- a condition's end
    value DECIMAL(18, 6),       -- in the concept's unit
    has_value BOOLEAN,
    subjects VARCHAR[],         -- what it is about, each as system|code
    labels VARCHAR[],
    round BIGINT
);

-- What sources labelled as sensitive: it closes what else of the person is about the same.
CREATE TABLE IF NOT EXISTS sensitive (
    source VARCHAR,
    type VARCHAR,
    id VARCHAR,
    patient VARCHAR,
    subject VARCHAR,
    label VARCHAR,
    round BIGINT
);
