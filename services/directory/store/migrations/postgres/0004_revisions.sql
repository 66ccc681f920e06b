-- +goose Up
CREATE TABLE "revisions" ("name" character varying NOT NULL, "number" bigint NOT NULL, PRIMARY KEY ("name"));
