-- +goose Up
CREATE TABLE accounts (
	id          TEXT    NOT NULL PRIMARY KEY,
	role        TEXT    NOT NULL CHECK (role IN ('student', 'parent', 'teacher', 'head_teacher', 'school_admin')),
	name        TEXT    NOT NULL,
	phone       TEXT    NOT NULL,
	email       TEXT    NOT NULL,
	grade       INTEGER NOT NULL,
	class       INTEGER NOT NULL,
	number      INTEGER NOT NULL,
	password    TEXT    NOT NULL,
	approved    INTEGER NOT NULL,
	create_time INTEGER NOT NULL,
	revision    INTEGER NOT NULL,
	synced      INTEGER NOT NULL
);
CREATE UNIQUE INDEX accounts_phone ON accounts (phone) WHERE phone <> '';
CREATE UNIQUE INDEX accounts_number ON accounts (grade, class, number) WHERE role = 'student';
CREATE UNIQUE INDEX accounts_homeroom ON accounts (grade, class) WHERE role = 'teacher' AND grade > 0;
CREATE INDEX accounts_name ON accounts (name, id);
CREATE INDEX accounts_synced ON accounts (id) WHERE approved = 1 AND synced < revision;
CREATE TABLE children (
	parent TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
	child  TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
	PRIMARY KEY (parent, child)
);
CREATE INDEX children_child ON children (child);
CREATE TABLE sign_in_attempts (
	account_hash BLOB    NOT NULL PRIMARY KEY,
	begin        INTEGER NOT NULL,
	failures     INTEGER NOT NULL
);
CREATE INDEX sign_in_attempts_begin ON sign_in_attempts (begin);
CREATE TABLE refresh_tokens (
	hash        BLOB    NOT NULL PRIMARY KEY,
	account     TEXT    NOT NULL REFERENCES accounts ON DELETE CASCADE,
	family      TEXT    NOT NULL,
	expire_time INTEGER NOT NULL,
	used        INTEGER NOT NULL
);
CREATE INDEX refresh_tokens_account ON refresh_tokens (account);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_expire_time ON refresh_tokens (expire_time);
CREATE TABLE password_resets (
	account     TEXT    NOT NULL PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
	hash        BLOB    NOT NULL,
	expire_time INTEGER NOT NULL
);
