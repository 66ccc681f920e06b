-- +goose Up
ALTER TABLE `remnants` ADD COLUMN `alert_key` text NOT NULL DEFAULT '';
DROP INDEX `alertkey_use_time`;
DROP INDEX `thread_use_time`;
