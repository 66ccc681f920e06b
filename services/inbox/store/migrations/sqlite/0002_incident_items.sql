-- +goose Up
CREATE TABLE `new_items` (`delivery_id` integer NOT NULL, `nickname` text NOT NULL, `number` integer NOT NULL, `alert_id` text NOT NULL, `severity` text NOT NULL, `title` text NOT NULL, `text` text NOT NULL, `link` text NOT NULL, `alert_key` text NOT NULL, `resolved` bool NOT NULL, `create_time` integer NOT NULL, `store_time` integer NOT NULL, `read_time` integer NOT NULL DEFAULT (0), `archived` bool NOT NULL DEFAULT (false), `read_reported` bool NOT NULL DEFAULT (false), `position` integer NOT NULL DEFAULT (0), `update_time` integer NOT NULL DEFAULT (0), `incident` integer NOT NULL DEFAULT (0), `acknowledged` bool NOT NULL DEFAULT (false), `ack_url` text NOT NULL DEFAULT (''), `rank` integer NOT NULL DEFAULT (0), PRIMARY KEY (`delivery_id`));
INSERT INTO `new_items` (`delivery_id`, `nickname`, `number`, `alert_id`, `severity`, `title`, `text`, `link`, `alert_key`, `resolved`, `create_time`, `store_time`, `read_time`, `archived`, `read_reported`, `position`, `update_time`) SELECT `delivery_id`, `nickname`, `number`, `alert_id`, `severity`, `title`, `text`, `link`, `alert_key`, `resolved`, `create_time`, `store_time`, `read_time`, `archived`, `read_reported`, `number`, `store_time` FROM `items`;
DROP TABLE `items`;
ALTER TABLE `new_items` RENAME TO `items`;
CREATE UNIQUE INDEX `item_nickname_number` ON `items` (`nickname`, `number`);
CREATE INDEX `item_nickname_archived_number` ON `items` (`nickname`, `archived`, `number`);
CREATE UNIQUE INDEX `item_nickname_position` ON `items` (`nickname`, `position`);
CREATE UNIQUE INDEX `item_incident` ON `items` (`nickname`, `incident`) WHERE incident <> 0;
CREATE INDEX `item_update_time` ON `items` (`update_time`);
CREATE INDEX `item_unread` ON `items` (`nickname`, `number`) WHERE read_time = 0;
CREATE INDEX `item_unreported` ON `items` (`read_time`) WHERE (read_time <> 0) AND (NOT read_reported);
CREATE TABLE `earlier_deliveries` (`delivery_id` integer NOT NULL, `nickname` text NOT NULL, `number` integer NOT NULL, `read_time` integer NOT NULL DEFAULT (0), `read_reported` bool NOT NULL DEFAULT (false), PRIMARY KEY (`delivery_id`));
CREATE INDEX `earlierdelivery_nickname_number` ON `earlier_deliveries` (`nickname`, `number`);
CREATE INDEX `earlier_delivery_unreported` ON `earlier_deliveries` (`read_time`) WHERE (read_time <> 0) AND (NOT read_reported);
