"""The schema, as a list of steps; ``PRAGMA user_version`` says how many a file has had.

A file of a newer version is refused. An older one is copied beside itself first, then brought up in one IMMEDIATE
transaction, so that two processes that start together migrate once and a crash leaves the old file whole.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from db.errors import NewerDatabase

_FIRST = """
CREATE TABLE projects (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, name_en TEXT NOT NULL DEFAULT '',
  guideline TEXT NOT NULL DEFAULT '', settings TEXT NOT NULL DEFAULT '{}', created_at REAL NOT NULL);
CREATE TABLE labels (
  id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects, key TEXT NOT NULL, position INTEGER NOT NULL,
  zh TEXT NOT NULL, en TEXT NOT NULL DEFAULT '', definition TEXT NOT NULL DEFAULT '',
  definition_en TEXT NOT NULL DEFAULT '', examples TEXT NOT NULL DEFAULT '[]', colour TEXT NOT NULL DEFAULT '',
  hotkey TEXT NOT NULL DEFAULT '', UNIQUE (project_id, key));
CREATE TABLE users (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  role TEXT NOT NULL CHECK (role IN ('annotator', 'lead', 'admin', 'system')),
  active INTEGER NOT NULL DEFAULT 1, password_hash TEXT NOT NULL DEFAULT '', lang TEXT NOT NULL DEFAULT 'zh',
  created_at REAL NOT NULL);
CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users, created_at REAL NOT NULL,
  expires_at REAL NOT NULL);
CREATE TABLE sign_in_failures (client TEXT NOT NULL, name TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX sign_in_failures_at ON sign_in_failures (at);
CREATE TABLE documents (
  id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects, external_id TEXT NOT NULL,
  text TEXT NOT NULL, sha256 TEXT NOT NULL, role TEXT NOT NULL CHECK (role IN ('pool', 'gold')),
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done')), overlap INTEGER NOT NULL DEFAULT 1,
  shuffle INTEGER NOT NULL, source TEXT NOT NULL DEFAULT '', meta TEXT NOT NULL DEFAULT '{}', created_at REAL NOT NULL,
  UNIQUE (project_id, sha256));
CREATE INDEX documents_open ON documents (project_id, role, state, shuffle);
CREATE TABLE leases (
  id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects,
  document_id INTEGER NOT NULL REFERENCES documents, user_id INTEGER NOT NULL REFERENCES users,
  leased_at REAL NOT NULL, until REAL NOT NULL, state TEXT NOT NULL DEFAULT 'open'
  CHECK (state IN ('open', 'closed', 'released')), reopened INTEGER NOT NULL DEFAULT 0,
  chosen TEXT NOT NULL DEFAULT '[]');
CREATE UNIQUE INDEX leases_one_each ON leases (document_id, user_id) WHERE state = 'open';
CREATE INDEX leases_mine ON leases (project_id, user_id, state);
CREATE INDEX leases_history ON leases (document_id, user_id);
CREATE TABLE annotations (
  id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects,
  document_id INTEGER NOT NULL REFERENCES documents, user_id INTEGER NOT NULL REFERENCES users,
  decision TEXT NOT NULL CHECK (decision IN ('labelled', 'skipped', 'flagged', 'undone')),
  labels TEXT NOT NULL DEFAULT '[]', comment TEXT NOT NULL DEFAULT '', round_id INTEGER, suggestions TEXT,
  ms INTEGER NOT NULL DEFAULT 0, submission_id TEXT NOT NULL UNIQUE, supersedes INTEGER REFERENCES annotations,
  created_at REAL NOT NULL);
CREATE INDEX annotations_project ON annotations (project_id, decision, id);
CREATE INDEX annotations_user ON annotations (project_id, user_id, created_at);
CREATE TABLE current_annotations (
  document_id INTEGER NOT NULL REFERENCES documents, user_id INTEGER NOT NULL REFERENCES users,
  project_id INTEGER NOT NULL REFERENCES projects, annotation_id INTEGER NOT NULL REFERENCES annotations,
  decision TEXT NOT NULL, labels TEXT NOT NULL, PRIMARY KEY (document_id, user_id)) WITHOUT ROWID;
CREATE INDEX current_annotations_project ON current_annotations (project_id, decision, document_id);
CREATE TABLE adjudications (
  document_id INTEGER PRIMARY KEY REFERENCES documents, project_id INTEGER NOT NULL REFERENCES projects,
  labels TEXT NOT NULL, comment TEXT NOT NULL DEFAULT '', user_id INTEGER NOT NULL REFERENCES users, at REAL NOT NULL);
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects, kind TEXT NOT NULL,
  dedupe_key TEXT NOT NULL, payload TEXT NOT NULL DEFAULT '{}', state TEXT NOT NULL DEFAULT 'queued'
  CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')), cancel_requested INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, token TEXT NOT NULL DEFAULT '', lease_until REAL NOT NULL DEFAULT 0,
  progress TEXT NOT NULL DEFAULT '{}', error TEXT, requested_by INTEGER, created_at REAL NOT NULL, started_at REAL,
  finished_at REAL);
CREATE UNIQUE INDEX jobs_one_live ON jobs (dedupe_key) WHERE state IN ('queued', 'running');
CREATE TABLE rounds (
  id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects, number INTEGER NOT NULL,
  job_id INTEGER NOT NULL REFERENCES jobs, state TEXT NOT NULL
  CHECK (state IN ('running', 'published', 'failed', 'cancelled')), snapshot_annotation INTEGER NOT NULL,
  config TEXT NOT NULL, code_version TEXT NOT NULL, n_train INTEGER, n_valid INTEGER, n_gold INTEGER, timings TEXT,
  warnings TEXT, error TEXT, started_at REAL NOT NULL, finished_at REAL, UNIQUE (project_id, number));
CREATE TABLE metrics (
  round_id INTEGER NOT NULL REFERENCES rounds, model TEXT NOT NULL, split TEXT NOT NULL, scope TEXT NOT NULL,
  precision REAL, recall REAL, f1 REAL, support INTEGER, threshold REAL, low REAL, high REAL, n INTEGER,
  PRIMARY KEY (round_id, model, split, scope)) WITHOUT ROWID;
CREATE TABLE models (
  id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects, round_id INTEGER NOT NULL REFERENCES rounds,
  kind TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL, fingerprint TEXT NOT NULL,
  thresholds TEXT NOT NULL, current INTEGER NOT NULL DEFAULT 0, created_at REAL NOT NULL);
CREATE UNIQUE INDEX models_one_current ON models (project_id, kind) WHERE current = 1;
CREATE TABLE queue (
  project_id INTEGER NOT NULL REFERENCES projects, document_id INTEGER NOT NULL REFERENCES documents,
  rank INTEGER NOT NULL, score REAL NOT NULL, reason TEXT NOT NULL, source TEXT NOT NULL, round_id INTEGER,
  PRIMARY KEY (project_id, document_id)) WITHOUT ROWID;
CREATE INDEX queue_rank ON queue (project_id, rank);
CREATE TABLE predictions (
  model_id INTEGER NOT NULL REFERENCES models, document_id INTEGER NOT NULL REFERENCES documents,
  probabilities BLOB NOT NULL, PRIMARY KEY (model_id, document_id)) WITHOUT ROWID;
CREATE TABLE fast_lane (
  project_id INTEGER PRIMARY KEY REFERENCES projects, annotation_id INTEGER NOT NULL, n_labelled INTEGER NOT NULL,
  seconds REAL NOT NULL, at REAL NOT NULL);
CREATE TABLE workers (
  id INTEGER PRIMARY KEY CHECK (id = 1), pid INTEGER NOT NULL, started_at REAL NOT NULL, beat_at REAL NOT NULL,
  doing TEXT NOT NULL DEFAULT '');
CREATE TABLE events (
  id INTEGER PRIMARY KEY, project_id INTEGER, user_id INTEGER, at REAL NOT NULL, kind TEXT NOT NULL,
  document_id INTEGER, before TEXT, after TEXT);
CREATE INDEX events_project ON events (project_id, id);
"""

# A working day: reviewers, invitations, who belongs to which project, a label set that may change, notes on labels.
# ``users`` is made anew, for its CHECK cannot be altered.
_WORKING_DAY = """
CREATE TABLE users_new (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  role TEXT NOT NULL CHECK (role IN ('annotator', 'reviewer', 'lead', 'admin', 'system')),
  active INTEGER NOT NULL DEFAULT 1, password_hash TEXT NOT NULL DEFAULT '', lang TEXT NOT NULL DEFAULT 'zh',
  preferences TEXT NOT NULL DEFAULT '{}', created_at REAL NOT NULL);
INSERT INTO users_new (id, name, role, active, password_hash, lang, created_at)
  SELECT id, name, role, active, password_hash, lang, created_at FROM users;
DROP TABLE users;
ALTER TABLE users_new RENAME TO users;
CREATE TABLE members (
  project_id INTEGER NOT NULL REFERENCES projects, user_id INTEGER NOT NULL REFERENCES users,
  since REAL NOT NULL, PRIMARY KEY (project_id, user_id)) WITHOUT ROWID;
CREATE INDEX members_user ON members (user_id);
INSERT INTO members (project_id, user_id, since)
  SELECT p.id, u.id, u.created_at FROM projects p JOIN users u ON u.role != 'system';
CREATE TABLE invitations (
  id INTEGER PRIMARY KEY, token_hash TEXT NOT NULL UNIQUE, kind TEXT NOT NULL CHECK (kind IN ('join', 'reset')),
  role TEXT NOT NULL DEFAULT 'annotator', project_id INTEGER REFERENCES projects,
  user_id INTEGER REFERENCES users, created_by INTEGER NOT NULL REFERENCES users, created_at REAL NOT NULL,
  expires_at REAL NOT NULL, used_at REAL, used_by INTEGER REFERENCES users, withdrawn_at REAL);
ALTER TABLE labels ADD COLUMN counter_examples TEXT NOT NULL DEFAULT '[]';
ALTER TABLE labels ADD COLUMN keywords TEXT NOT NULL DEFAULT '[]';
ALTER TABLE labels ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
ALTER TABLE labels ADD COLUMN retired_at REAL;
ALTER TABLE labels ADD COLUMN merged_into TEXT NOT NULL DEFAULT '';
UPDATE labels SET place = position;
CREATE TABLE label_notes (
  id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects, label TEXT NOT NULL, note TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users, at REAL NOT NULL);
CREATE INDEX label_notes_label ON label_notes (project_id, label, id);
CREATE INDEX annotations_by_user ON annotations (user_id, id);
CREATE INDEX leases_project ON leases (project_id, state, until);
"""

# A person's own decisions are counted at every click; without an index of their own that costs what the project holds.
_OWN_DECISIONS = """
CREATE INDEX current_annotations_mine ON current_annotations (user_id, project_id, decision, document_id);
"""

# Each settlement and reopening, numbered on the line of annotations: what is above a round's mark is new to it.
_SETTLEMENTS = """
CREATE TABLE settlements (
  id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects,
  document_id INTEGER NOT NULL REFERENCES documents, user_id INTEGER NOT NULL REFERENCES users, at REAL NOT NULL);
CREATE INDEX settlements_project ON settlements (project_id, id);
"""

# A text can be settled as being for nobody's use: neither trained on nor counted, whatever people said of it.
_LEFT_OUT = """
ALTER TABLE adjudications ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;
"""

# A text counts on the day of its first decision, which has to be found without reading a person's whole log.
_FIRST_DECISIONS = """
CREATE INDEX annotations_of_text ON annotations (user_id, document_id, id) WHERE decision IN ('labelled', 'flagged');
"""

# How far each project is, counted as it changes: whoever writes, the triggers keep it, and a click reads two rows.
_OTHER = (
    "EXISTS (SELECT 1 FROM current_annotations c WHERE c.document_id = {row}.document_id "
    "AND c.user_id != {row}.user_id AND c.decision = 'labelled')"
)
_LABELLED = (
    "BEGIN UPDATE tallies SET labelled = labelled {sign} 1 WHERE (project_id, role) = "  # noqa: S608 (constant text)
    "(SELECT d.project_id, d.role FROM documents d WHERE d.id = {row}.document_id) AND NOT " + _OTHER + "; END;\n"
)
_TALLIES = f"""
CREATE TABLE tallies (
  project_id INTEGER NOT NULL REFERENCES projects, role TEXT NOT NULL, documents INTEGER NOT NULL DEFAULT 0,
  open INTEGER NOT NULL DEFAULT 0, labelled INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (project_id, role)) WITHOUT ROWID;
INSERT INTO tallies SELECT d.project_id, d.role, count(*), sum(d.state = 'open'), sum(EXISTS (SELECT 1
  FROM current_annotations c WHERE c.document_id = d.id AND c.decision = 'labelled'))
  FROM documents d GROUP BY d.project_id, d.role;
CREATE TRIGGER tally_in AFTER INSERT ON documents
BEGIN INSERT INTO tallies (project_id, role, documents, open) VALUES (NEW.project_id, NEW.role, 1, NEW.state = 'open')
  ON CONFLICT DO UPDATE SET documents = documents + 1, open = open + excluded.open; END;
CREATE TRIGGER tally_state AFTER UPDATE OF state ON documents WHEN OLD.state != NEW.state
BEGIN UPDATE tallies SET open = open + (NEW.state = 'open') - (OLD.state = 'open')
  WHERE project_id = NEW.project_id AND role = NEW.role; END;
CREATE TRIGGER tally_labelled AFTER INSERT ON current_annotations WHEN NEW.decision = 'labelled'
{_LABELLED.format(sign="+", row="NEW")}
CREATE TRIGGER tally_gone AFTER DELETE ON current_annotations WHEN OLD.decision = 'labelled'
{_LABELLED.format(sign="-", row="OLD")}
CREATE TRIGGER tally_relabelled AFTER UPDATE OF decision ON current_annotations
  WHEN NEW.decision = 'labelled' AND OLD.decision != 'labelled'
{_LABELLED.format(sign="+", row="NEW")}
CREATE TRIGGER tally_unlabelled AFTER UPDATE OF decision ON current_annotations
  WHEN OLD.decision = 'labelled' AND NEW.decision != 'labelled'
{_LABELLED.format(sign="-", row="OLD")}
"""  # noqa: S608 (constant text)

# A project that is over: nobody sees it on a desk and no round begins, and nothing of it is lost.
_ARCHIVED = """
ALTER TABLE projects ADD COLUMN archived_at REAL;
"""

# Where texts are each for one person, the few that wait for several are asked for at every click.
_SEVERAL = """
CREATE INDEX documents_several ON documents (project_id) WHERE state = 'open' AND overlap > 1;
"""

# What a lead decides by: what each round's models said of the gold texts, how far two rounds' students differ, and
# which labels look mistaken.
_DECIDING = """
CREATE TABLE answers (
  round_id INTEGER NOT NULL REFERENCES rounds, model TEXT NOT NULL, keys TEXT NOT NULL, documents BLOB NOT NULL,
  truth BLOB NOT NULL, probabilities BLOB NOT NULL, PRIMARY KEY (round_id, model)) WITHOUT ROWID;
ALTER TABLE rounds ADD COLUMN signals TEXT;
CREATE TABLE doubts (
  project_id INTEGER NOT NULL REFERENCES projects, document_id INTEGER NOT NULL REFERENCES documents,
  label TEXT NOT NULL, given INTEGER NOT NULL, probability REAL NOT NULL, score REAL NOT NULL, rank INTEGER NOT NULL,
  source TEXT NOT NULL, found_at REAL NOT NULL, PRIMARY KEY (project_id, document_id, label)) WITHOUT ROWID;
CREATE INDEX doubts_rank ON doubts (project_id, rank);
CREATE TABLE doubts_seen (
  project_id INTEGER NOT NULL REFERENCES projects, document_id INTEGER NOT NULL REFERENCES documents,
  label TEXT NOT NULL, given INTEGER NOT NULL, user_id INTEGER NOT NULL REFERENCES users, at REAL NOT NULL,
  PRIMARY KEY (project_id, document_id, label)) WITHOUT ROWID;
"""

# A mark of each label set as it is stored: another one whoever writes, so that thousands of labels are read once.
_MARKED = "BEGIN UPDATE projects SET labels_mark = randomblob(16) WHERE id = {row}.project_id; END;\n"
_LABEL_MARKS = f"""
ALTER TABLE projects ADD COLUMN labels_mark BLOB NOT NULL DEFAULT x'';
UPDATE projects SET labels_mark = randomblob(16);
CREATE TRIGGER labels_added AFTER INSERT ON labels
{_MARKED.format(row="NEW")}
CREATE TRIGGER labels_changed AFTER UPDATE ON labels
{_MARKED.format(row="NEW")}
CREATE TRIGGER labels_removed AFTER DELETE ON labels
{_MARKED.format(row="OLD")}
"""  # noqa: S608 (constant text)

_PLACES = """
CREATE TABLE places (
  round_id INTEGER NOT NULL REFERENCES rounds, model TEXT NOT NULL, split TEXT NOT NULL, measure TEXT NOT NULL,
  k INTEGER NOT NULL, value REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (round_id, model, split, measure, k)) WITHOUT ROWID;
"""

# How far each person is, for every save asks: open texts are known by state, whichever way they got there.
_MINE = (
    "UPDATE own_tallies SET decided = decided {sign} 1, waiting = waiting {sign} "
    "(SELECT d.state = 'open' FROM documents d WHERE d.id = {row}.document_id) "
    "WHERE (project_id, user_id) = ({row}.project_id, {row}.user_id); END;\n"
)
_ENTERS = (
    "BEGIN INSERT INTO own_tallies (project_id, user_id) VALUES (NEW.project_id, NEW.user_id) "  # noqa: S608
    "ON CONFLICT DO NOTHING; " + _MINE.format(sign="+", row="NEW")
)
_LEAVES = "BEGIN " + _MINE.format(sign="-", row="OLD")
_OWN_TALLIES = f"""
CREATE TABLE own_tallies (
  project_id INTEGER NOT NULL REFERENCES projects, user_id INTEGER NOT NULL REFERENCES users,
  decided INTEGER NOT NULL DEFAULT 0, waiting INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (project_id, user_id)
  ) WITHOUT ROWID;
INSERT INTO own_tallies SELECT c.project_id, c.user_id, count(*), sum(d.state = 'open')
  FROM current_annotations c JOIN documents d ON d.id = c.document_id WHERE c.decision != 'skipped'
  GROUP BY c.project_id, c.user_id;
CREATE TRIGGER own_tally_in AFTER INSERT ON current_annotations WHEN NEW.decision != 'skipped'
{_ENTERS}
CREATE TRIGGER own_tally_gone AFTER DELETE ON current_annotations WHEN OLD.decision != 'skipped'
{_LEAVES}
CREATE TRIGGER own_tally_decided AFTER UPDATE OF decision ON current_annotations
  WHEN OLD.decision = 'skipped' AND NEW.decision != 'skipped'
{_ENTERS}
CREATE TRIGGER own_tally_skipped AFTER UPDATE OF decision ON current_annotations
  WHEN OLD.decision != 'skipped' AND NEW.decision = 'skipped'
{_LEAVES}
CREATE TRIGGER own_tally_state AFTER UPDATE OF state ON documents WHEN (OLD.state = 'open') != (NEW.state = 'open')
BEGIN UPDATE own_tallies SET waiting = waiting + (NEW.state = 'open') - (OLD.state = 'open')
  WHERE project_id = NEW.project_id AND user_id IN (SELECT c.user_id FROM current_annotations c
  WHERE c.document_id = NEW.id AND c.decision != 'skipped'); END;
"""  # noqa: S608 (constant text)

STEPS: tuple[str, ...] = (
    _FIRST, _WORKING_DAY, _OWN_DECISIONS, _SETTLEMENTS, _LEFT_OUT, _FIRST_DECISIONS, _TALLIES, _ARCHIVED, _SEVERAL,
    _DECIDING, _LABEL_MARKS, _PLACES, _OWN_TALLIES,
)  # fmt: skip


def version(conn: sqlite3.Connection) -> int:
    """How many steps this file has had."""
    return int(conn.execute("PRAGMA user_version").fetchone()[0])


def bring_up_to_date(conn: sqlite3.Connection, path: Path) -> None:
    """Apply the missing steps, all or none. Raises NewerDatabase: the file knows steps that this code does not."""
    have = version(conn)
    if have == len(STEPS):
        return
    if have > len(STEPS):
        raise NewerDatabase(have=have, need=len(STEPS))
    if have:
        _backup(conn, path.with_name(f"{path.name}.v{have}.backup"))
    enforced = bool(conn.execute("PRAGMA foreign_keys").fetchone()[0])
    conn.execute("PRAGMA foreign_keys=OFF")  # a table that others refer to may be made anew; checked before the commit
    conn.execute("BEGIN IMMEDIATE")
    try:
        if version(conn) > len(STEPS):  # read again: another process may have been faster, and newer
            raise NewerDatabase(have=version(conn), need=len(STEPS))
        for step in STEPS[version(conn) :]:
            for statement in step.split(";\n"):
                if statement.strip():
                    conn.execute(statement)
        broken = conn.execute("PRAGMA foreign_key_check").fetchone()
        if broken:
            raise sqlite3.IntegrityError(f"a row of {broken[0]} refers to a row of {broken[2]} that is not there")
        conn.execute(f"PRAGMA user_version={len(STEPS)}")
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise
    finally:
        conn.execute(f"PRAGMA foreign_keys={'ON' if enforced else 'OFF'}")


def _backup(conn: sqlite3.Connection, target: Path) -> None:
    with sqlite3.connect(target) as copy:
        conn.backup(copy)
    copy.close()
