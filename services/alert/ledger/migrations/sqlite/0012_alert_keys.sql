-- +goose Up
ALTER TABLE `deliveries` ADD COLUMN `thread` text NOT NULL DEFAULT '';
ALTER TABLE `deliveries` ADD COLUMN `thread_order` integer NOT NULL DEFAULT 0;
ALTER TABLE `deliveries` ADD COLUMN `resolves` bool NOT NULL DEFAULT false;
ALTER TABLE `deliveries` ADD COLUMN `resume_time` integer NOT NULL DEFAULT 0;
CREATE INDEX `delivery_thread` ON `deliveries` (`thread`, `thread_order`) WHERE (thread_order <> 0) AND (state <= 2);
CREATE TABLE `alert_keys` (`name` text NOT NULL, `last_order` integer NOT NULL, `rank` integer NOT NULL, `resolved` bool NOT NULL, `use_time` integer NOT NULL, PRIMARY KEY (`name`));
CREATE INDEX `alertkey_use_time` ON `alert_keys` (`use_time`);
CREATE TABLE `threads` (`name` text NOT NULL, `notified` bool NOT NULL, `resolved_order` integer NOT NULL, `last_order` integer NOT NULL, `use_time` integer NOT NULL, PRIMARY KEY (`name`));
CREATE INDEX `thread_use_time` ON `threads` (`use_time`);
