-- +goose Up
CREATE TABLE "templates" ("name" character varying NOT NULL, "messenger" text NOT NULL, "severity" text NOT NULL, "template" text NOT NULL, PRIMARY KEY ("name"));
