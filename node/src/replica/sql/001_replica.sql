-- The replica of a node, step 1. Released steps are never edited.
-- One table per kind is generated from the catalogue, not written here.

-- What there is only one of.
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The node's own acts, in order, canonical bytes: a row a block of acts that were saved together.
-- `priors` is what each act replaced in the view: base is the view with the acts that are not
-- settled taken out again. `claimed` and `chain` are those of the last act.
CREATE TABLE journal (
  last    INTEGER PRIMARY KEY,
  first   INTEGER NOT NULL,
  claimed INTEGER NOT NULL,
  chain   BLOB NOT NULL,
  acts    BLOB NOT NULL,
  priors  BLOB NOT NULL
) STRICT;

-- From which position on a seed salts the acts' hashes.
CREATE TABLE seed (
  from_position INTEGER PRIMARY KEY,
  seed          BLOB NOT NULL
) STRICT;

-- What the server said of runs of acts. `settled`: they are in base, or dropped from the replay.
CREATE TABLE ack (
  first   INTEGER PRIMARY KEY,
  last    INTEGER NOT NULL,
  fate    INTEGER NOT NULL,
  rank    INTEGER NOT NULL,
  at      BLOB NOT NULL,
  stamps  BLOB,
  settled INTEGER NOT NULL
) STRICT;
CREATE INDEX ack_unsettled ON ack (first) WHERE settled = 0;

-- The last signed word on all acts, one for each epoch.
CREATE TABLE receipt (
  epoch     BLOB PRIMARY KEY,
  position  INTEGER NOT NULL,
  chain     BLOB NOT NULL,
  merged    INTEGER NOT NULL,
  held      INTEGER NOT NULL,
  refused   INTEGER NOT NULL,
  at_ms     INTEGER NOT NULL,
  signature BLOB NOT NULL
) STRICT;

-- The last signed word on the scopes, one for each epoch; `signed` is what the signature is over.
CREATE TABLE checkpoint (
  epoch     BLOB PRIMARY KEY,
  at_ms     INTEGER NOT NULL,
  signed    BLOB NOT NULL,
  signature BLOB NOT NULL
) STRICT;

-- The scopes held. `digest` is of base as it is here; `said_*` is what the last checkpoint said.
CREATE TABLE scope (
  id            INTEGER PRIMARY KEY,
  code          TEXT NOT NULL,
  name          TEXT NOT NULL,
  granted       INTEGER NOT NULL,
  visible       INTEGER NOT NULL,
  staged        INTEGER NOT NULL,
  filled_to     BLOB,
  chain         BLOB NOT NULL,
  digest        BLOB NOT NULL,
  said_revision INTEGER NOT NULL,
  said_chain    BLOB NOT NULL,
  refills       INTEGER NOT NULL
) STRICT;

-- Placements other than the home, which is the row's own `_scope`.
CREATE TABLE guest (
  record     BLOB NOT NULL,
  scope      INTEGER NOT NULL,
  kind       INTEGER NOT NULL,
  projection INTEGER NOT NULL,
  PRIMARY KEY (record, scope)
) STRICT, WITHOUT ROWID;
CREATE INDEX guest_by_scope ON guest (scope);

-- States that have come and are not visible yet. Without a projection the record left; without
-- bytes it was filled in place. `known`: the acts acknowledged by then, which the state contains.
CREATE TABLE staged (
  record     BLOB NOT NULL,
  scope      INTEGER NOT NULL,
  kind       INTEGER NOT NULL,
  projection INTEGER,
  known      INTEGER NOT NULL,
  bytes      BLOB,
  PRIMARY KEY (record, scope)
) STRICT, WITHOUT ROWID;

-- What became of acts after they were acknowledged, gapless.
CREATE TABLE inbox (
  sequence INTEGER PRIMARY KEY,
  author   INTEGER NOT NULL,
  position INTEGER NOT NULL,
  fate     INTEGER NOT NULL,
  text     TEXT NOT NULL,
  at_ms    INTEGER NOT NULL
) STRICT;
CREATE INDEX inbox_by_act ON inbox (position);

-- Jobs of this node: the positions of their acts.
CREATE TABLE job (
  id      BLOB PRIMARY KEY,
  person  TEXT NOT NULL,
  first   INTEGER NOT NULL,
  last    INTEGER NOT NULL,
  items   INTEGER NOT NULL,
  of      INTEGER NOT NULL,
  claimed INTEGER NOT NULL
) STRICT;

-- Records with a field that has several heads.
CREATE TABLE contested (
  record BLOB PRIMARY KEY,
  kind   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Records of kinds that this build does not know, carried untouched.
CREATE TABLE unknown_record (
  id    BLOB PRIMARY KEY,
  kind  INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;
