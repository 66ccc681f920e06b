-- +goose Up
ALTER TABLE "attempts" ADD COLUMN "cut" boolean NOT NULL DEFAULT false, ADD COLUMN "moved" text NOT NULL DEFAULT '';
