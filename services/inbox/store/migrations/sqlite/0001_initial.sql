-- +goose Up
CREATE TABLE `inboxes` (`nickname` text NOT NULL, `last_number` integer NOT NULL, PRIMARY KEY (`nickname`));
CREATE TABLE `items` (`delivery_id` integer NOT NULL, `nickname` text NOT NULL, `number` integer NOT NULL, `alert_id` text NOT NULL, `severity` text NOT NULL, `title` text NOT NULL, `text` text NOT NULL, `link` text NOT NULL, `alert_key` text NOT NULL, `resolved` bool NOT NULL, `create_time` integer NOT NULL, `store_time` integer NOT NULL, `read_time` integer NOT NULL DEFAULT (0), `archived` bool NOT NULL DEFAULT (false), `read_reported` bool NOT NULL DEFAULT (false), PRIMARY KEY (`delivery_id`));
CREATE UNIQUE INDEX `item_nickname_number` ON `items` (`nickname`, `number`);
CREATE INDEX `item_nickname_archived_number` ON `items` (`nickname`, `archived`, `number`);
CREATE INDEX `item_store_time` ON `items` (`store_time`);
CREATE INDEX `item_unread` ON `items` (`nickname`, `number`) WHERE read_time = 0;
CREATE INDEX `item_unreported` ON `items` (`read_time`) WHERE (read_time <> 0) AND (NOT read_reported);
