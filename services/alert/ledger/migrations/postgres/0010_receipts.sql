-- +goose Up
ALTER TABLE "deliveries" ADD COLUMN "receipt_message" text NOT NULL DEFAULT '', ADD COLUMN "receipt_status" text NOT NULL DEFAULT '', ADD COLUMN "receipt_code" text NOT NULL DEFAULT '', ADD COLUMN "receipt_time" bigint NOT NULL DEFAULT 0, ADD COLUMN "receipt_final" boolean NOT NULL DEFAULT false, ADD COLUMN "receipt_failed" boolean NOT NULL DEFAULT false;
