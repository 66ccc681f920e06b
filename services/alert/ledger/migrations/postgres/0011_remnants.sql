-- +goose Up
CREATE TABLE "remnants" ("id" bigint NOT NULL, PRIMARY KEY ("id"));
