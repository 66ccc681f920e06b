-- +goose Up
CREATE TABLE clubs (
	id           TEXT    NOT NULL PRIMARY KEY,
	head         TEXT    NOT NULL,
	name         TEXT    NOT NULL,
	concept      TEXT    NOT NULL,
	introduction TEXT    NOT NULL,
	field        TEXT    NOT NULL,
	location     TEXT    NOT NULL,
	floor        INTEGER NOT NULL,
	link         TEXT    NOT NULL
);
CREATE UNIQUE INDEX clubs_head ON clubs (head);
CREATE UNIQUE INDEX clubs_name ON clubs (name);
CREATE UNIQUE INDEX clubs_location ON clubs (location);
CREATE TABLE members (
	club    TEXT NOT NULL REFERENCES clubs ON DELETE CASCADE,
	student TEXT NOT NULL,
	PRIMARY KEY (club, student)
);
CREATE TABLE recruitments (
	id          TEXT    NOT NULL PRIMARY KEY,
	club        TEXT    NOT NULL REFERENCES clubs ON DELETE CASCADE,
	concept     TEXT    NOT NULL,
	seats       TEXT    NOT NULL,
	first_day   TEXT    NOT NULL,
	last_day    TEXT    NOT NULL,
	closed      INTEGER NOT NULL,
	create_time INTEGER NOT NULL
);
-- A club has one recruitment at a time. One whose last day is over is closed before the next begins.
CREATE UNIQUE INDEX recruitments_open ON recruitments (club) WHERE closed = 0;
CREATE INDEX recruitments_create_time ON recruitments (create_time, id);
