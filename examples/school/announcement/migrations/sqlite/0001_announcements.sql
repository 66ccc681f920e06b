-- +goose Up
-- grades and classes are sets: bit n for n. 0 is all of them.
CREATE TABLE announcements (
	id          TEXT    NOT NULL PRIMARY KEY,
	kind        TEXT    NOT NULL CHECK (kind IN ('school', 'club')),
	club        TEXT    NOT NULL,
	writer      TEXT    NOT NULL,
	writer_name TEXT    NOT NULL,
	title       TEXT    NOT NULL,
	content     TEXT    NOT NULL,
	grades      INTEGER NOT NULL,
	classes     INTEGER NOT NULL,
	create_time INTEGER NOT NULL,
	update_time INTEGER NOT NULL
);
CREATE INDEX announcements_create_time ON announcements (create_time, id);
CREATE INDEX announcements_writer ON announcements (writer, create_time, id);
CREATE TABLE readers (
	announcement TEXT    NOT NULL REFERENCES announcements ON DELETE CASCADE,
	account      TEXT    NOT NULL,
	read_time    INTEGER NOT NULL,
	PRIMARY KEY (announcement, account)
);
CREATE INDEX readers_account ON readers (account);
-- The copy of the clubs, from their events.
CREATE TABLE clubs (
	id   TEXT NOT NULL PRIMARY KEY,
	name TEXT NOT NULL,
	head TEXT NOT NULL
);
