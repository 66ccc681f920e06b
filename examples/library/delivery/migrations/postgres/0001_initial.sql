-- +goose Up
CREATE TABLE deliveries (
	reservation_id TEXT PRIMARY KEY,
	id             TEXT NOT NULL DEFAULT '', -- empty until it starts
	customer       TEXT NOT NULL DEFAULT '',
	product_id     TEXT NOT NULL DEFAULT '',
	title          TEXT NOT NULL DEFAULT '',
	progress       INTEGER NOT NULL DEFAULT 0,
	state          INTEGER NOT NULL DEFAULT 0, -- progress, or canceled by an attempt
	create_time    BIGINT NOT NULL DEFAULT 0,  -- times are microseconds since 1970
	update_time    BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX deliveries_id ON deliveries (id) WHERE id <> '';
CREATE TABLE attempts (
	reservation_id TEXT NOT NULL,
	attempt_id     TEXT NOT NULL,
	result         INTEGER NOT NULL,
	PRIMARY KEY (reservation_id, attempt_id)
);
