-- +goose Up
CREATE TABLE `batches` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `open_key` text NULL, `rule` text NOT NULL, `alert` blob NOT NULL, `idempotency_key` text NOT NULL, `item_count` integer NOT NULL, `due_time` integer NOT NULL, `lease_time` integer NOT NULL DEFAULT (0));
CREATE UNIQUE INDEX `batches_open_key_key` ON `batches` (`open_key`);
CREATE INDEX `batch_due_time` ON `batches` (`due_time`);
CREATE INDEX `batch_rule` ON `batches` (`rule`);
CREATE TABLE `batch_items` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `batch_id` integer NOT NULL, `key` text NOT NULL, `severity` text NOT NULL, `title` text NOT NULL, `message` text NOT NULL, `link` text NOT NULL, `event` blob NOT NULL);
CREATE INDEX `batchitem_batch_id_id` ON `batch_items` (`batch_id`, `id`);
CREATE TABLE `batched_keys` (`id` text NOT NULL, `add_time` integer NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `batchedkey_add_time` ON `batched_keys` (`add_time`);
CREATE TABLE `dead_letters` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key` text NOT NULL, `event` blob NOT NULL, `rule` text NOT NULL, `reason` text NOT NULL, `create_time` integer NOT NULL);
CREATE UNIQUE INDEX `dead_letters_key_key` ON `dead_letters` (`key`);
CREATE INDEX `deadletter_rule_id` ON `dead_letters` (`rule`, `id`);
CREATE TABLE `event_rules` (`id` text NOT NULL, `type` text NOT NULL, `condition` text NOT NULL, `title` text NOT NULL, `message` text NOT NULL, `link` text NOT NULL, `severity` text NOT NULL, `notify` text NOT NULL, `batch_count` integer NOT NULL DEFAULT (0), `batch_within` integer NOT NULL DEFAULT (0), `batch_message` text NOT NULL DEFAULT (''), `disabled` bool NOT NULL DEFAULT (false), `ttl` integer NOT NULL DEFAULT (0), `revision` integer NOT NULL, `update_time` integer NOT NULL, PRIMARY KEY (`id`));
CREATE TABLE `rule_revisions` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `revision` integer NOT NULL);
