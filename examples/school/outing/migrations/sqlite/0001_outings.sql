-- +goose Up
CREATE TABLE outings (
	id              TEXT    NOT NULL PRIMARY KEY,
	student         TEXT    NOT NULL,
	student_name    TEXT    NOT NULL,
	grade           INTEGER NOT NULL,
	class           INTEGER NOT NULL,
	number          INTEGER NOT NULL,
	state           TEXT    NOT NULL,
	emergency       INTEGER NOT NULL,
	day             TEXT    NOT NULL,
	start_time      INTEGER NOT NULL,
	end_time        INTEGER NOT NULL,
	place           TEXT    NOT NULL,
	reason          TEXT    NOT NULL,
	create_time     INTEGER NOT NULL,
	leave_time      INTEGER NOT NULL,
	return_time     INTEGER NOT NULL,
	parent          TEXT    NOT NULL,
	teacher         TEXT    NOT NULL,
	comment         TEXT    NOT NULL,
	idempotency_key TEXT    NOT NULL,
	request_hash    BLOB    NOT NULL,
	CONSTRAINT start_before_end CHECK (start_time < end_time)
);
-- A student has one outing a day, unless it came to nothing.
CREATE UNIQUE INDEX outings_day ON outings (student, day) WHERE state IN ('requested', 'parent_approved', 'approved', 'out', 'returned');
CREATE UNIQUE INDEX outings_idempotency_key ON outings (student, idempotency_key) WHERE idempotency_key <> '';
CREATE INDEX outings_create_time ON outings (create_time, id);
CREATE INDEX outings_student ON outings (student, create_time, id);
CREATE INDEX outings_waiting ON outings (end_time) WHERE state IN ('requested', 'parent_approved', 'approved');
CREATE TABLE outing_links (
	hash        BLOB    NOT NULL PRIMARY KEY,
	outing      TEXT    NOT NULL REFERENCES outings ON DELETE CASCADE,
	account     TEXT    NOT NULL,
	role        TEXT    NOT NULL,
	expire_time INTEGER NOT NULL,
	used        INTEGER NOT NULL
);
CREATE INDEX outing_links_outing ON outing_links (outing);
