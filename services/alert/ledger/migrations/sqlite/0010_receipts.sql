-- +goose Up
ALTER TABLE `deliveries` ADD COLUMN `receipt_message` text NOT NULL DEFAULT '';
ALTER TABLE `deliveries` ADD COLUMN `receipt_status` text NOT NULL DEFAULT '';
ALTER TABLE `deliveries` ADD COLUMN `receipt_code` text NOT NULL DEFAULT '';
ALTER TABLE `deliveries` ADD COLUMN `receipt_time` integer NOT NULL DEFAULT 0;
ALTER TABLE `deliveries` ADD COLUMN `receipt_final` bool NOT NULL DEFAULT false;
ALTER TABLE `deliveries` ADD COLUMN `receipt_failed` bool NOT NULL DEFAULT false;
