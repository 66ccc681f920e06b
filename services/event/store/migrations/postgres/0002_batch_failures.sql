-- +goose Up
ALTER TABLE "batches" ADD COLUMN "failures" bigint NOT NULL DEFAULT 0;
