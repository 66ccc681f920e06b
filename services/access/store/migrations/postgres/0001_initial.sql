-- +goose Up
CREATE TABLE "audit_entries" ("id" character varying NOT NULL, "time" bigint NOT NULL, "caller" text NOT NULL, "caller_name" text NOT NULL, "address" text NOT NULL, "procedure" text NOT NULL, "resource" text NOT NULL, "outcome" text NOT NULL, "request_id" text NOT NULL, "trace_id" text NOT NULL, PRIMARY KEY ("id"));
CREATE INDEX "auditentry_time_id" ON "audit_entries" ("time", "id");
CREATE INDEX "auditentry_caller_time_id" ON "audit_entries" ("caller", "time", "id");
CREATE INDEX "auditentry_resource_time_id" ON "audit_entries" ("resource", "time", "id");
CREATE TABLE "keys" ("id" character varying NOT NULL, "secret_hash" bytea NOT NULL, "name" character varying NOT NULL, "role" character varying NOT NULL, "nickname" character varying NOT NULL, "create_time" bigint NOT NULL, "expire_time" bigint NOT NULL, "revoke_time" bigint NOT NULL DEFAULT 0, "last_use_time" bigint NOT NULL DEFAULT 0, "allowed_addresses" jsonb NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "secret_hash_length" CHECK (length(secret_hash) = 32));
