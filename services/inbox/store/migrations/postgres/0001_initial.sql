-- +goose Up
CREATE TABLE "inboxes" ("nickname" character varying NOT NULL, "last_number" bigint NOT NULL, PRIMARY KEY ("nickname"));
CREATE TABLE "items" ("delivery_id" bigint NOT NULL, "nickname" text NOT NULL, "number" bigint NOT NULL, "alert_id" text NOT NULL, "severity" text NOT NULL, "title" text NOT NULL, "text" text NOT NULL, "link" text NOT NULL, "alert_key" text NOT NULL, "resolved" boolean NOT NULL, "create_time" bigint NOT NULL, "store_time" bigint NOT NULL, "read_time" bigint NOT NULL DEFAULT 0, "archived" boolean NOT NULL DEFAULT false, "read_reported" boolean NOT NULL DEFAULT false, PRIMARY KEY ("delivery_id"));
CREATE UNIQUE INDEX "item_nickname_number" ON "items" ("nickname", "number");
CREATE INDEX "item_nickname_archived_number" ON "items" ("nickname", "archived", "number");
CREATE INDEX "item_store_time" ON "items" ("store_time");
CREATE INDEX "item_unread" ON "items" ("nickname", "number") WHERE read_time = 0;
CREATE INDEX "item_unreported" ON "items" ("read_time") WHERE (read_time <> 0) AND (NOT read_reported);
