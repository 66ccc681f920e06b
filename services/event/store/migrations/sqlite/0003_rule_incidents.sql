-- +goose Up
ALTER TABLE `event_rules` ADD COLUMN `alert_key` text NOT NULL DEFAULT '';
ALTER TABLE `event_rules` ADD COLUMN `status` text NOT NULL DEFAULT '';
ALTER TABLE `event_rules` ADD COLUMN `escalation` text NOT NULL DEFAULT '';
ALTER TABLE `event_rules` ADD COLUMN `repeat_fields` text NOT NULL DEFAULT '';
