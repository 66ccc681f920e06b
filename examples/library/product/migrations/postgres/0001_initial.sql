-- +goose Up
CREATE TABLE products (
	id          TEXT PRIMARY KEY,
	title       TEXT NOT NULL,
	search_text TEXT NOT NULL, -- the title in lower case
	stock       INTEGER NOT NULL,
	held        INTEGER NOT NULL,
	update_time BIGINT NOT NULL, -- times are microseconds since 1970
	CHECK (0 <= held AND held <= stock)
);
CREATE INDEX products_title ON products (title, id);
-- A claim may be older than its product.
CREATE TABLE claims (
	reservation_id TEXT PRIMARY KEY,
	customer       TEXT NOT NULL,
	product_id     TEXT NOT NULL,
	state          INTEGER NOT NULL,
	reserve_time   BIGINT NOT NULL
);
CREATE INDEX claims_waiting ON claims (product_id, reserve_time, reservation_id) WHERE state = 1;
CREATE TABLE additions (
	idempotency_key TEXT PRIMARY KEY,
	product_id      TEXT NOT NULL,
	title           TEXT NOT NULL,
	copies          INTEGER NOT NULL
);
