-- The journal of dsrkit on PostgreSQL, format 2; one schema of the database holds one journal. Times
-- are milliseconds since 1970 (UTC), but for those of the lease, which are the database's own.
-- Read it with `psql`; everything but the ids is plain columns, and the view `subject` gives one
-- row for each id that is not sealed or encrypted. Never stored: tokens, API secrets, signed links, answers.

CREATE TABLE journal (
  id         BIGINT  PRIMARY KEY CHECK (id = 1),
  format     BIGINT  NOT NULL,
  created_at BIGINT  NOT NULL,
  -- SHA-256 over the key file: tells a wrong key file from the right one.
  key_check  BYTEA   NOT NULL CHECK (length(key_check) = 32),
  -- Number and hash of the last event: an event missing at the end shows too.
  events     BIGINT  NOT NULL,
  head       BYTEA   NOT NULL CHECK (length(head) = 32),
  -- How column `ids` of table `batch` is encrypted, and a check of the key; NULL: it is not.
  cipher     TEXT,
  -- The term that works with the journal, and until when nobody else may.
  epoch      BIGINT  NOT NULL,
  until      TIMESTAMPTZ NOT NULL
);

-- Who worked with the journal, and when.
CREATE TABLE term (
  epoch      BIGINT  PRIMARY KEY,
  owner      TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  since      TIMESTAMPTZ NOT NULL,
  -- The last write of the term: tells whether a commit whose answer was lost is there.
  writes     BIGINT  NOT NULL
);

CREATE TABLE project (
  -- HMAC-SHA256 of token and base URL under the key file.
  fingerprint BYTEA NOT NULL PRIMARY KEY CHECK (length(fingerprint) = 32),
  vendor      TEXT NOT NULL,
  base_url    TEXT NOT NULL,
  -- What the schedule has learnt of the project (JSON). Hints: without them it learns anew.
  learnt      TEXT
);

CREATE TABLE run (
  seq             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id              TEXT    NOT NULL UNIQUE,
  project         BYTEA   NOT NULL REFERENCES project (fingerprint),
  kind            TEXT    NOT NULL CHECK (kind IN ('retrieval', 'deletion')),
  compliance      TEXT    NOT NULL CHECK (compliance IN ('GDPR', 'CCPA')),
  disclosure      TEXT    CHECK (disclosure IN ('Data', 'Categories', 'Sources')),
  reference       TEXT,
  state           TEXT    NOT NULL CHECK (state IN (
                    'planned', 'running', 'waiting', 'paused', 'held', 'finished', 'cancelled')),
  subjects        BIGINT  NOT NULL,
  duplicates      BIGINT  NOT NULL,
  -- A JSON array of {row, reason}.
  refused         TEXT    NOT NULL,
  batches         BIGINT  NOT NULL CHECK (batches > 0),
  plan_digest     BYTEA   NOT NULL CHECK (length(plan_digest) = 32),
  approved_digest BYTEA   CHECK (length(approved_digest) = 32),
  approved_at     BIGINT,
  created_at      BIGINT  NOT NULL,
  received_at     BIGINT  NOT NULL,
  deadline_at     BIGINT  NOT NULL,
  hold_for_ms     BIGINT  NOT NULL,
  -- Warnings about the deadline that were given.
  warned          BIGINT  NOT NULL CHECK (warned >= 0),
  cancel_at       BIGINT,
  paused          TEXT,
  archives        TEXT,
  packages        TEXT,
  -- When ids, digests, archives and packages were removed.
  purged_at       BIGINT
);

CREATE TABLE batch (
  -- Deferred: the run's row, with the digest over all batches, is written last.
  run           TEXT    NOT NULL REFERENCES run (id) DEFERRABLE INITIALLY DEFERRED,
  no            BIGINT  NOT NULL CHECK (no >= 0),
  parent        BIGINT,
  n             BIGINT  NOT NULL CHECK (n > 0),
  digest        BYTEA   NOT NULL CHECK (length(digest) = 32),
  state         TEXT    NOT NULL CHECK (state IN (
                  'FROZEN', 'READY', 'SENDING', 'AMBIGUOUS', 'SUBMITTED', 'DONE', 'FAILED',
                  'REVOKED', 'CANCELLED', 'SPLIT', 'HELD', 'REJECTED')),
  attempts      BIGINT  NOT NULL CHECK (attempts >= 0),
  ambiguous     BIGINT  NOT NULL CHECK (ambiguous >= 0),
  failures      BIGINT  NOT NULL CHECK (failures >= 0),
  not_before    BIGINT  NOT NULL,
  first_sent_at BIGINT,
  task          TEXT,
  problem_kind  TEXT,
  problem       TEXT,
  -- When the ids were removed.
  sealed_at     BIGINT,
  -- The exact JSON array of the request, '[]' once it is sealed or split. It and the digests that
  -- take its place stand last, so that reading the other columns never loads them.
  ids           TEXT    NOT NULL,
  -- HMAC-SHA256 of each id under the key file, cut to 16 bytes, sorted.
  macs          BYTEA,
  PRIMARY KEY (run, no)
);
CREATE INDEX batch_with_ids ON batch (run) WHERE sealed_at IS NULL AND state <> 'SPLIT';

CREATE TABLE attempt (
  run        TEXT    NOT NULL,
  batch      BIGINT  NOT NULL,
  n          BIGINT  NOT NULL CHECK (n > 0),
  state      TEXT    NOT NULL CHECK (state IN (
               'SENDING', 'ACCEPTED', 'ADOPTED', 'NOT_CREATED', 'REJECTED', 'AMBIGUOUS',
               'CREATED_UNTRACKED')),
  sending_at BIGINT  NOT NULL,
  done_at    BIGINT,
  http       BIGINT,
  seen       TEXT,
  task       TEXT,
  PRIMARY KEY (run, batch, n),
  FOREIGN KEY (run, batch) REFERENCES batch (run, no)
);

CREATE TABLE job (
  seq            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run            TEXT    NOT NULL REFERENCES run (id),
  task           TEXT    NOT NULL,
  -- The batch whose request it came from.
  batch          BIGINT  NOT NULL,
  origin         TEXT    NOT NULL CHECK (origin IN ('created', 'adopted', 'elsewhere', 'manual')),
  -- Not a closed list: a status word that nobody knows is kept as it came.
  status         TEXT    NOT NULL CHECK (status <> ''),
  created_at     BIGINT  NOT NULL,
  polls          BIGINT  NOT NULL,
  missing_since  BIGINT,
  failures       BIGINT  NOT NULL CHECK (failures >= 0),
  fetch_failures BIGINT  NOT NULL CHECK (fetch_failures >= 0),
  last_poll_at   BIGINT,
  next_poll_at   BIGINT  NOT NULL,
  ended_at       BIGINT,
  cancel         TEXT    NOT NULL CHECK (cancel IN (
                   'NONE', 'WANTED', 'REQUESTED', 'REVOKED', 'TOO_LATE', 'UNKNOWN',
                   'REFUSED')),
  -- 1: a person decided that its batch does not hang on it any more.
  dropped        BIGINT  NOT NULL CHECK (dropped IN (0, 1)),
  UNIQUE (run, task)
);

-- Task ids that fit no batch: never lost, never followed by themselves.
CREATE TABLE orphan (
  seq   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run   TEXT    NOT NULL REFERENCES run (id),
  task  TEXT    NOT NULL,
  batch BIGINT  NOT NULL,
  at    BIGINT  NOT NULL,
  why   TEXT    NOT NULL,
  UNIQUE (run, task)
);

CREATE TABLE artifact (
  seq    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run    TEXT    NOT NULL,
  task   TEXT    NOT NULL,
  path   TEXT    NOT NULL,
  bytes  BIGINT  NOT NULL,
  sha256 BYTEA   NOT NULL CHECK (length(sha256) = 32),
  at     BIGINT  NOT NULL,
  UNIQUE (run, task),
  FOREIGN KEY (run, task) REFERENCES job (run, task)
);

-- Where packages were written to.
CREATE TABLE delivery (
  seq    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run    TEXT    NOT NULL,
  task   TEXT    NOT NULL,
  folder TEXT    NOT NULL,
  at     BIGINT  NOT NULL,
  UNIQUE (run, task, folder),
  FOREIGN KEY (run, task) REFERENCES job (run, task)
);

CREATE TABLE event (
  seq   BIGINT  PRIMARY KEY,
  at    BIGINT  NOT NULL,
  run   TEXT    NOT NULL REFERENCES run (id),
  kind  TEXT    NOT NULL CHECK (kind IN (
          'planned', 'started', 'submitted', 'adopted', 'backoff', 'split',
          'ambiguous', 'held',
          'rejected', 'status', 'callback', 'archived', 'archive_failed', 'paused', 'resumed', 'cancel',
          'anomaly', 'deadline', 'decided', 'orphan', 'sealed', 'purged', 'finished')),
  batch BIGINT,
  task  TEXT,
  text  TEXT    NOT NULL,
  -- SHA-256 over the hash of the event before and this event.
  hash  BYTEA   NOT NULL CHECK (length(hash) = 32)
);
CREATE INDEX event_run ON event (run);

CREATE VIEW subject AS
  SELECT b.run, b.no AS batch, e.pos - 1 AS pos, e.id, b.state, b.task
  FROM batch AS b,
    json_array_elements_text(CASE WHEN b.ids LIKE '[%' THEN b.ids ELSE '[]' END::json)
      WITH ORDINALITY AS e (id, pos)
  WHERE b.state <> 'SPLIT';
