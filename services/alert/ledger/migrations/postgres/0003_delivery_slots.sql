-- +goose Up
ALTER TABLE "deliveries" ADD COLUMN "slots" text NOT NULL DEFAULT '';
