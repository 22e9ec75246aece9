-- The province's registry, without the tables of kinds: those follow the catalogue.
-- Everything of a scope is keyed by scope; journals are appended in order.

CREATE TABLE scope (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  revision INTEGER NOT NULL,
  chain BLOB NOT NULL,
  digest BLOB NOT NULL
) STRICT;

-- Which scope sees which record, and how much of it: 0 home, 1 file in transfer, 2 visitor card.
CREATE TABLE placement (
  scope INTEGER NOT NULL,
  record BLOB NOT NULL,
  kind INTEGER NOT NULL,
  projection INTEGER NOT NULL,
  PRIMARY KEY (scope, record, kind)
) STRICT, WITHOUT ROWID;

-- The few placements that are not a home, by record.
CREATE TABLE guest (
  record BLOB NOT NULL,
  kind INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  projection INTEGER NOT NULL,
  PRIMARY KEY (record, kind, scope)
) STRICT, WITHOUT ROWID;

-- The homes that a record has had, where it has had more than one.
CREATE TABLE stay (
  record BLOB NOT NULL,
  number INTEGER NOT NULL,
  author INTEGER NOT NULL,
  position INTEGER NOT NULL,
  home INTEGER NOT NULL,
  since_ms INTEGER NOT NULL,
  PRIMARY KEY (record, number)
) STRICT, WITHOUT ROWID;

-- The journal: batches as they were received, and what became of their acts then.
CREATE TABLE frame (
  id INTEGER PRIMARY KEY,
  author INTEGER NOT NULL,
  first INTEGER NOT NULL,
  count INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  outcome BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX frame_by_author ON frame (author, first);

CREATE TABLE feed (
  scope INTEGER NOT NULL,
  to_revision INTEGER NOT NULL,
  from_revision INTEGER NOT NULL,
  frame INTEGER NOT NULL,
  chain BLOB NOT NULL,
  touched BLOB,
  PRIMARY KEY (scope, to_revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE author (
  id INTEGER PRIMARY KEY,
  public_key BLOB NOT NULL,
  province INTEGER NOT NULL,
  name TEXT NOT NULL,
  position INTEGER NOT NULL,
  head BLOB NOT NULL,
  last_order INTEGER NOT NULL,
  merged INTEGER NOT NULL,
  held INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  inbox INTEGER NOT NULL,
  inbox_confirmed INTEGER NOT NULL,
  token BLOB NOT NULL,
  token_previous BLOB NOT NULL,
  complete_ms INTEGER NOT NULL,
  confirmed_ms INTEGER NOT NULL,
  contact_ms INTEGER NOT NULL,
  joined_ms INTEGER NOT NULL,
  revoked_ms INTEGER,
  backed_up INTEGER NOT NULL
) STRICT;

CREATE TABLE access (
  author INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  PRIMARY KEY (author, scope)
) STRICT, WITHOUT ROWID;

-- Acts that were held when they came: 0 waiting, 1 merged since, 2 refused.
CREATE TABLE held (
  author INTEGER NOT NULL,
  position INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  state INTEGER NOT NULL,
  by_author INTEGER,
  by_position INTEGER,
  rank INTEGER NOT NULL,
  text TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  decided_ms INTEGER,
  records BLOB NOT NULL,
  PRIMARY KEY (author, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX held_by_state ON held (state, author, position);
CREATE INDEX held_by_decision ON held (by_author, by_position) WHERE by_author IS NOT NULL;

-- Records whose creation waits, with the acts that wait on each.
CREATE TABLE waiting (
  record BLOB NOT NULL,
  author INTEGER NOT NULL,
  position INTEGER NOT NULL,
  creates INTEGER NOT NULL,
  PRIMARY KEY (record, author, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE retracted (
  author INTEGER NOT NULL,
  position INTEGER NOT NULL,
  by_author INTEGER NOT NULL,
  by_position INTEGER NOT NULL,
  PRIMARY KEY (author, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE outcome (
  author INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  act_author INTEGER NOT NULL,
  act_position INTEGER NOT NULL,
  fate INTEGER NOT NULL,
  text TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (author, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE invite (
  code_hash BLOB PRIMARY KEY,
  name TEXT NOT NULL,
  scopes BLOB NOT NULL,
  again INTEGER,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  used_by INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE epoch (
  number INTEGER PRIMARY KEY,
  epoch BLOB NOT NULL UNIQUE,
  parent BLOB,
  at_ms INTEGER NOT NULL,
  heads BLOB NOT NULL
) STRICT;

-- Author ids, revocations, spent codes, purged ids: no personal data, append-only.
CREATE TABLE standing (
  sequence INTEGER PRIMARY KEY,
  what INTEGER NOT NULL,
  subject BLOB NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE note (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
