-- +goose Up
ALTER TABLE "deliveries" ADD COLUMN "chain" bigint NOT NULL DEFAULT 0, ADD COLUMN "held" boolean NOT NULL DEFAULT false;
CREATE INDEX "delivery_chain" ON "deliveries" ("chain") WHERE chain <> 0;
