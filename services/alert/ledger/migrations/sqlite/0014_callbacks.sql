-- +goose Up
ALTER TABLE `deliveries` ADD COLUMN `callback` integer NOT NULL DEFAULT 0;
CREATE TABLE `callback_batches` (`id` text NOT NULL, `endpoint` integer NOT NULL, `size` integer NOT NULL, `body` blob NOT NULL, `create_time` integer NOT NULL, `next_time` integer NOT NULL, `tries` integer NOT NULL DEFAULT 0, PRIMARY KEY (`id`));
CREATE INDEX `callback_batch_endpoint` ON `callback_batches` (`endpoint`, `next_time`);
CREATE TABLE `callback_endpoints` (`id` integer NOT NULL, `name` text NOT NULL, `url` text NOT NULL, `secret` blob NOT NULL, `create_time` integer NOT NULL, `next_time` integer NOT NULL DEFAULT 0, `fence` integer NOT NULL DEFAULT 0, `tries` integer NOT NULL DEFAULT 0, `last_error` text NOT NULL DEFAULT '', PRIMARY KEY (`id`));
CREATE UNIQUE INDEX `callback_endpoints_name_key` ON `callback_endpoints` (`name`);
CREATE TABLE `callback_reports` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `endpoint` integer NOT NULL, `alert_id` integer NOT NULL, `delivery_id` integer NOT NULL, `nickname` text NOT NULL, `messenger` text NOT NULL, `state` integer NOT NULL, `reason` text NOT NULL, `end_time` integer NOT NULL, `read_time` integer NOT NULL, `create_time` integer NOT NULL);
CREATE INDEX `callback_report_endpoint` ON `callback_reports` (`endpoint`, `id`);
