-- +goose Up
CREATE TABLE reservations (
	id              TEXT PRIMARY KEY,
	customer        TEXT NOT NULL,
	product_id      TEXT NOT NULL,
	state           INTEGER NOT NULL,
	attempt         TEXT NOT NULL DEFAULT '',
	create_time     BIGINT NOT NULL, -- times are microseconds since 1970
	update_time     BIGINT NOT NULL,
	idempotency_key TEXT NOT NULL DEFAULT ''
);
CREATE INDEX reservations_customer ON reservations (customer, id);
CREATE UNIQUE INDEX reservations_idempotency_key ON reservations (customer, idempotency_key) WHERE idempotency_key <> '';
CREATE INDEX reservations_canceling ON reservations (update_time) WHERE state = 2;
