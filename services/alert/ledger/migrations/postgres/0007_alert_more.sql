-- +goose Up
ALTER TABLE "alerts" ADD COLUMN "more" text NOT NULL DEFAULT '';
