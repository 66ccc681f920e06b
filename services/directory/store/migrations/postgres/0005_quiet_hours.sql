-- +goose Up
ALTER TABLE "users" ADD COLUMN "quiet_hours" text NOT NULL DEFAULT '';
