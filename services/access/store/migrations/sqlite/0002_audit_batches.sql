-- +goose Up
CREATE TABLE `audit_batches` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `first_time` integer NOT NULL, `last_time` integer NOT NULL, `entry_count` integer NOT NULL, `caller` text NOT NULL, `resources` blob NOT NULL, `data` blob NOT NULL);
CREATE INDEX `auditbatch_last_time_id` ON `audit_batches` (`last_time`, `id`);
CREATE INDEX `auditbatch_caller_last_time_id` ON `audit_batches` (`caller`, `last_time`, `id`);
