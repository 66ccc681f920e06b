-- +goose Up
DROP INDEX "item_store_time";
ALTER TABLE "items" ADD COLUMN "position" bigint NOT NULL DEFAULT 0, ADD COLUMN "update_time" bigint NOT NULL DEFAULT 0, ADD COLUMN "incident" bigint NOT NULL DEFAULT 0, ADD COLUMN "acknowledged" boolean NOT NULL DEFAULT false, ADD COLUMN "ack_url" text NOT NULL DEFAULT '', ADD COLUMN "rank" bigint NOT NULL DEFAULT 0;
UPDATE "items" SET "position" = "number", "update_time" = "store_time";
CREATE UNIQUE INDEX "item_nickname_position" ON "items" ("nickname", "position");
CREATE UNIQUE INDEX "item_incident" ON "items" ("nickname", "incident") WHERE incident <> 0;
CREATE INDEX "item_update_time" ON "items" ("update_time");
CREATE TABLE "earlier_deliveries" ("delivery_id" bigint NOT NULL, "nickname" text NOT NULL, "number" bigint NOT NULL, "read_time" bigint NOT NULL DEFAULT 0, "read_reported" boolean NOT NULL DEFAULT false, PRIMARY KEY ("delivery_id"));
CREATE INDEX "earlierdelivery_nickname_number" ON "earlier_deliveries" ("nickname", "number");
CREATE INDEX "earlier_delivery_unreported" ON "earlier_deliveries" ("read_time") WHERE (read_time <> 0) AND (NOT read_reported);
