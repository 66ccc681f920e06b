-- +goose Up
ALTER TABLE "event_rules" ADD COLUMN "alert_key" text NOT NULL DEFAULT '', ADD COLUMN "status" text NOT NULL DEFAULT '', ADD COLUMN "escalation" text NOT NULL DEFAULT '', ADD COLUMN "repeat_fields" text NOT NULL DEFAULT '';
