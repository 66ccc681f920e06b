-- +goose Up
CREATE TABLE `alerts` (`id` integer NOT NULL, `targets` json NOT NULL, `unknown` json NOT NULL, `severity` text NOT NULL, `message` text NOT NULL, `create_time` integer NOT NULL, PRIMARY KEY (`id`));
CREATE TABLE `attempts` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `delivery_id` integer NOT NULL, `number` integer NOT NULL, `fence` integer NOT NULL, `start_time` integer NOT NULL, `end_time` integer NOT NULL, `kind` integer NOT NULL, `scope` integer NOT NULL, `status` integer NOT NULL, `code` text NOT NULL, `message_id` text NOT NULL, `excerpt` text NOT NULL, `possible_duplicate` bool NOT NULL);
CREATE UNIQUE INDEX `attempt_delivery_id_number` ON `attempts` (`delivery_id`, `number`);
CREATE TABLE `deliveries` (`id` integer NOT NULL, `alert_id` integer NOT NULL, `nickname` text NOT NULL, `messenger` text NOT NULL, `rank` integer NOT NULL, `destination` text NOT NULL, `credential` blob NOT NULL, `state` integer NOT NULL, `next_time` integer NOT NULL, `fence` integer NOT NULL DEFAULT (0), `attempt_count` integer NOT NULL DEFAULT (0), `possible_duplicate` bool NOT NULL DEFAULT (false), `claim_time` integer NOT NULL DEFAULT (0), `lease_time` integer NOT NULL DEFAULT (0), `sender` text NOT NULL DEFAULT (''), `reason` text NOT NULL DEFAULT (''), `end_time` integer NOT NULL DEFAULT (0), PRIMARY KEY (`id`));
CREATE INDEX `delivery_alert_id` ON `deliveries` (`alert_id`);
CREATE INDEX `delivery_nickname_alert_id` ON `deliveries` (`nickname`, `alert_id`);
CREATE INDEX `delivery_waiting` ON `deliveries` (`rank`, `next_time`, `id`) WHERE state <= 2;
CREATE INDEX `delivery_unsent` ON `deliveries` (`state`, `alert_id`) WHERE state >= 4;
CREATE TABLE `sequences` (`name` text NOT NULL, `next` integer NOT NULL, PRIMARY KEY (`name`));
