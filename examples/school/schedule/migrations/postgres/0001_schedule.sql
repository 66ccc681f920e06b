-- +goose Up
CREATE TABLE days (
	date    TEXT    NOT NULL,
	grade   BIGINT  NOT NULL,
	class   BIGINT  NOT NULL,
	lessons TEXT    NOT NULL,
	PRIMARY KEY (grade, class, date)
);
CREATE TABLE entries (
	id        TEXT NOT NULL PRIMARY KEY,
	text      TEXT NOT NULL,
	first_day TEXT NOT NULL,
	last_day  TEXT NOT NULL,
	writer    TEXT NOT NULL,
	CONSTRAINT first_before_last CHECK (first_day <= last_day)
);
CREATE INDEX entries_first_day ON entries (first_day, id);
