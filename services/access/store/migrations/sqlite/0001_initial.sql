-- +goose Up
CREATE TABLE `audit_entries` (`id` text NOT NULL, `time` integer NOT NULL, `caller` text NOT NULL, `caller_name` text NOT NULL, `address` text NOT NULL, `procedure` text NOT NULL, `resource` text NOT NULL, `outcome` text NOT NULL, `request_id` text NOT NULL, `trace_id` text NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `auditentry_time_id` ON `audit_entries` (`time`, `id`);
CREATE INDEX `auditentry_caller_time_id` ON `audit_entries` (`caller`, `time`, `id`);
CREATE INDEX `auditentry_resource_time_id` ON `audit_entries` (`resource`, `time`, `id`);
CREATE TABLE `keys` (`id` text NOT NULL, `secret_hash` blob NOT NULL, `name` text NOT NULL, `role` text NOT NULL, `nickname` text NOT NULL, `create_time` integer NOT NULL, `expire_time` integer NOT NULL, `revoke_time` integer NOT NULL DEFAULT (0), `last_use_time` integer NOT NULL DEFAULT (0), `allowed_addresses` json NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `secret_hash_length` CHECK (length(secret_hash) = 32));
