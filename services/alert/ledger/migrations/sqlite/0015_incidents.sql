-- +goose Up
ALTER TABLE `alert_keys` ADD COLUMN `incident` integer NOT NULL DEFAULT 0;
ALTER TABLE `alert_keys` ADD COLUMN `digest` text NOT NULL DEFAULT '';
ALTER TABLE `alert_keys` ADD COLUMN `update_order` integer NOT NULL DEFAULT 0;
ALTER TABLE `alert_keys` ADD COLUMN `update_time` integer NOT NULL DEFAULT 0;
ALTER TABLE `alert_keys` ADD COLUMN `resolve_time` integer NOT NULL DEFAULT 0;
ALTER TABLE `alert_keys` ADD COLUMN `thread_prefix` text NOT NULL DEFAULT '';
ALTER TABLE `alert_keys` ADD COLUMN `reopen_count` integer NOT NULL DEFAULT 0;
ALTER TABLE `deliveries` ADD COLUMN `thread_kind` integer NOT NULL DEFAULT 0;
ALTER TABLE `deliveries` ADD COLUMN `hold` integer NOT NULL DEFAULT 0;
ALTER TABLE `threads` ADD COLUMN `sent_order` integer NOT NULL DEFAULT 0;
ALTER TABLE `threads` ADD COLUMN `update_order` integer NOT NULL DEFAULT 0;
ALTER TABLE `threads` ADD COLUMN `incident` integer NOT NULL DEFAULT 0;
ALTER TABLE `threads` ADD COLUMN `reference` text NOT NULL DEFAULT '';
ALTER TABLE `threads` ADD COLUMN `reference_destination` text NOT NULL DEFAULT '';
CREATE TABLE `incident_changes` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `alert_id` integer NOT NULL, `incident` integer NOT NULL, `kind` integer NOT NULL);
CREATE INDEX `delivery_held_back` ON `deliveries` (`nickname`, `messenger`) WHERE (hold <> 0) AND (state <= 1);
