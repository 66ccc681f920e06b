-- +goose Up
ALTER TABLE "incidents" ADD COLUMN "next_escalation" bigint NOT NULL DEFAULT 0;
CREATE TABLE "escalations" ("id" bigint NOT NULL, "steps" text NOT NULL, "repeat_count" bigint NOT NULL, "step" bigint NOT NULL, "round" bigint NOT NULL, "due_time" bigint NOT NULL, PRIMARY KEY ("id"));
CREATE INDEX "escalation_due_time" ON "escalations" ("due_time");
CREATE TABLE "escalation_groups" ("group_name" character varying NOT NULL, "policy" text NOT NULL, PRIMARY KEY ("group_name"));
CREATE TABLE "escalation_policies" ("name" character varying NOT NULL, "steps" text NOT NULL, "repeat_count" bigint NOT NULL, "update_time" bigint NOT NULL, PRIMARY KEY ("name"));
