-- +goose Up
ALTER TABLE "alerts" ADD COLUMN "expire_time" bigint NOT NULL DEFAULT 0;
DROP INDEX "delivery_waiting";
ALTER TABLE "deliveries" ADD COLUMN "deferred" boolean NOT NULL DEFAULT false, ADD COLUMN "expire_time" bigint NOT NULL DEFAULT 253370764800000000, ADD COLUMN "tries" bigint NOT NULL DEFAULT 0, ADD COLUMN "canceled" boolean NOT NULL DEFAULT false;
CREATE INDEX "delivery_due" ON "deliveries" ("rank", "next_time", "id") WHERE state = 1;
CREATE INDEX "delivery_expiring" ON "deliveries" ("expire_time") WHERE state = 1;
CREATE INDEX "delivery_held" ON "deliveries" ("lease_time") WHERE state = 2;
CREATE TABLE "keys" ("name" character varying NOT NULL, "request" bytea NOT NULL, "alert_id" bigint NOT NULL, "expire_time" bigint NOT NULL, PRIMARY KEY ("name"));
CREATE INDEX "key_expire_time" ON "keys" ("expire_time");
