-- +goose Up
ALTER TABLE "deliveries" ADD COLUMN "thread" text NOT NULL DEFAULT '', ADD COLUMN "thread_order" bigint NOT NULL DEFAULT 0, ADD COLUMN "resolves" boolean NOT NULL DEFAULT false, ADD COLUMN "resume_time" bigint NOT NULL DEFAULT 0;
CREATE INDEX "delivery_thread" ON "deliveries" ("thread", "thread_order") WHERE (thread_order <> 0) AND (state <= 2);
CREATE TABLE "alert_keys" ("name" character varying NOT NULL, "last_order" bigint NOT NULL, "rank" smallint NOT NULL, "resolved" boolean NOT NULL, "use_time" bigint NOT NULL, PRIMARY KEY ("name"));
CREATE INDEX "alertkey_use_time" ON "alert_keys" ("use_time");
CREATE TABLE "threads" ("name" character varying NOT NULL, "notified" boolean NOT NULL, "resolved_order" bigint NOT NULL, "last_order" bigint NOT NULL, "use_time" bigint NOT NULL, PRIMARY KEY ("name"));
CREATE INDEX "thread_use_time" ON "threads" ("use_time");
