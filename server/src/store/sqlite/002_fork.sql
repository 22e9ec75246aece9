-- Journals that go on as another author's, from a position that both have.
CREATE TABLE fork (
  author INTEGER PRIMARY KEY,
  parent INTEGER NOT NULL,
  at INTEGER NOT NULL,
  head BLOB NOT NULL,
  made_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX fork_by_parent ON fork (parent);
