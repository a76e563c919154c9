-- The journal of dsrkit, format 2. Times are milliseconds since 1970 (UTC).
-- Read it with `sqlite3 -readonly`; everything but the ids is plain columns, and the view
-- `subject` gives one row for each id that is not sealed or encrypted. Never stored: tokens, API secrets, signed links, answers.
PRAGMA application_id = 0x44535231;
PRAGMA user_version = 2;

CREATE TABLE journal (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  created_at INTEGER NOT NULL,
  -- SHA-256 over the key file: tells a wrong key file from the right one.
  key_check  BLOB    NOT NULL CHECK (length(key_check) = 32),
  -- Number and hash of the last event: an event missing at the end shows too.
  events     INTEGER NOT NULL,
  head       BLOB    NOT NULL CHECK (length(head) = 32),
  -- How column `ids` of table `batch` is encrypted, and a check of the key; NULL: it is not.
  cipher     TEXT
) STRICT;

CREATE TABLE project (
  -- HMAC-SHA256 of token and base URL under the key file.
  fingerprint BLOB NOT NULL PRIMARY KEY CHECK (length(fingerprint) = 32),
  vendor      TEXT NOT NULL,
  base_url    TEXT NOT NULL,
  -- What the schedule has learnt of the project (JSON). Hints: without them it learns anew.
  learnt      TEXT
) STRICT;

CREATE TABLE run (
  seq             INTEGER PRIMARY KEY,
  id              TEXT    NOT NULL UNIQUE,
  project         BLOB    NOT NULL REFERENCES project (fingerprint),
  kind            TEXT    NOT NULL CHECK (kind IN ('retrieval', 'deletion')),
  compliance      TEXT    NOT NULL CHECK (compliance IN ('GDPR', 'CCPA')),
  disclosure      TEXT    CHECK (disclosure IN ('Data', 'Categories', 'Sources')),
  reference       TEXT,
  state           TEXT    NOT NULL CHECK (state IN (
                    'planned', 'running', 'waiting', 'paused', 'held', 'finished', 'cancelled')),
  subjects        INTEGER NOT NULL,
  duplicates      INTEGER NOT NULL,
  -- A JSON array of {row, reason}.
  refused         TEXT    NOT NULL,
  batches         INTEGER NOT NULL CHECK (batches > 0),
  plan_digest     BLOB    NOT NULL CHECK (length(plan_digest) = 32),
  approved_digest BLOB    CHECK (length(approved_digest) = 32),
  approved_at     INTEGER,
  created_at      INTEGER NOT NULL,
  received_at     INTEGER NOT NULL,
  deadline_at     INTEGER NOT NULL,
  hold_for_ms     INTEGER NOT NULL,
  -- Warnings about the deadline that were given.
  warned          INTEGER NOT NULL CHECK (warned >= 0),
  cancel_at       INTEGER,
  paused          TEXT,
  archives        TEXT,
  packages        TEXT,
  -- When ids, digests, archives and packages were removed.
  purged_at       INTEGER
) STRICT;

CREATE TABLE batch (
  -- Deferred: the run's row, with the digest over all batches, is written last.
  run           TEXT    NOT NULL REFERENCES run (id) DEFERRABLE INITIALLY DEFERRED,
  no            INTEGER NOT NULL CHECK (no >= 0),
  parent        INTEGER,
  n             INTEGER NOT NULL CHECK (n > 0),
  digest        BLOB    NOT NULL CHECK (length(digest) = 32),
  state         TEXT    NOT NULL CHECK (state IN (
                  'FROZEN', 'READY', 'SENDING', 'AMBIGUOUS', 'SUBMITTED', 'DONE', 'FAILED',
                  'REVOKED', 'CANCELLED', 'SPLIT', 'HELD', 'REJECTED')),
  attempts      INTEGER NOT NULL CHECK (attempts >= 0),
  ambiguous     INTEGER NOT NULL CHECK (ambiguous >= 0),
  failures      INTEGER NOT NULL CHECK (failures >= 0),
  not_before    INTEGER NOT NULL,
  first_sent_at INTEGER,
  task          TEXT,
  problem_kind  TEXT,
  problem       TEXT,
  -- When the ids were removed.
  sealed_at     INTEGER,
  -- The exact JSON array of the request, '[]' once it is sealed or split. It and the digests that
  -- take its place stand last, so that reading the other columns never loads them.
  ids           TEXT    NOT NULL,
  -- HMAC-SHA256 of each id under the key file, cut to 16 bytes, sorted.
  macs          BLOB,
  PRIMARY KEY (run, no)
) STRICT;
CREATE INDEX batch_with_ids ON batch (run) WHERE sealed_at IS NULL AND state <> 'SPLIT';

CREATE TABLE attempt (
  run        TEXT    NOT NULL,
  batch      INTEGER NOT NULL,
  n          INTEGER NOT NULL CHECK (n > 0),
  state      TEXT    NOT NULL CHECK (state IN (
               'SENDING', 'ACCEPTED', 'ADOPTED', 'NOT_CREATED', 'REJECTED', 'AMBIGUOUS',
               'CREATED_UNTRACKED')),
  sending_at INTEGER NOT NULL,
  done_at    INTEGER,
  http       INTEGER,
  seen       TEXT,
  task       TEXT,
  PRIMARY KEY (run, batch, n),
  FOREIGN KEY (run, batch) REFERENCES batch (run, no)
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
  seq            INTEGER PRIMARY KEY,
  run            TEXT    NOT NULL REFERENCES run (id),
  task           TEXT    NOT NULL,
  -- The batch whose request it came from.
  batch          INTEGER NOT NULL,
  origin         TEXT    NOT NULL CHECK (origin IN ('created', 'adopted', 'elsewhere', 'manual')),
  -- Not a closed list: a status word that nobody knows is kept as it came.
  status         TEXT    NOT NULL CHECK (status <> ''),
  created_at     INTEGER NOT NULL,
  polls          INTEGER NOT NULL,
  missing_since  INTEGER,
  failures       INTEGER NOT NULL CHECK (failures >= 0),
  fetch_failures INTEGER NOT NULL CHECK (fetch_failures >= 0),
  last_poll_at   INTEGER,
  next_poll_at   INTEGER NOT NULL,
  ended_at       INTEGER,
  cancel         TEXT    NOT NULL CHECK (cancel IN (
                   'NONE', 'WANTED', 'REQUESTED', 'REVOKED', 'TOO_LATE', 'UNKNOWN',
                   'REFUSED')),
  -- 1: a person decided that its batch does not hang on it any more.
  dropped        INTEGER NOT NULL CHECK (dropped IN (0, 1)),
  UNIQUE (run, task)
) STRICT;

-- Task ids that fit no batch: never lost, never followed by themselves.
CREATE TABLE orphan (
  seq   INTEGER PRIMARY KEY,
  run   TEXT    NOT NULL REFERENCES run (id),
  task  TEXT    NOT NULL,
  batch INTEGER NOT NULL,
  at    INTEGER NOT NULL,
  why   TEXT    NOT NULL,
  UNIQUE (run, task)
) STRICT;

CREATE TABLE artifact (
  seq    INTEGER PRIMARY KEY,
  run    TEXT    NOT NULL,
  task   TEXT    NOT NULL,
  path   TEXT    NOT NULL,
  bytes  INTEGER NOT NULL,
  sha256 BLOB    NOT NULL CHECK (length(sha256) = 32),
  at     INTEGER NOT NULL,
  UNIQUE (run, task),
  FOREIGN KEY (run, task) REFERENCES job (run, task)
) STRICT;

-- Where packages were written to.
CREATE TABLE delivery (
  seq    INTEGER PRIMARY KEY,
  run    TEXT    NOT NULL,
  task   TEXT    NOT NULL,
  folder TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  UNIQUE (run, task, folder),
  FOREIGN KEY (run, task) REFERENCES job (run, task)
) STRICT;

CREATE TABLE event (
  seq   INTEGER PRIMARY KEY,
  at    INTEGER NOT NULL,
  run   TEXT    NOT NULL REFERENCES run (id),
  kind  TEXT    NOT NULL CHECK (kind IN (
          'planned', 'started', 'submitted', 'adopted', 'backoff', 'split',
          'ambiguous', 'held',
          'rejected', 'status', 'callback', 'archived', 'archive_failed', 'paused', 'resumed', 'cancel',
          'anomaly', 'deadline', 'decided', 'orphan', 'sealed', 'purged', 'finished')),
  batch INTEGER,
  task  TEXT,
  text  TEXT    NOT NULL,
  -- SHA-256 over the hash of the event before and this event.
  hash  BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX event_run ON event (run);

CREATE VIEW subject AS
  SELECT b.run, b.no AS batch, e.key AS pos, e.value AS id, b.state, b.task
  FROM batch AS b, json_each(iif(json_valid(b.ids), b.ids, '[]')) AS e
  WHERE b.state <> 'SPLIT';
