-- +goose Up
ALTER TABLE `deliveries` ADD COLUMN `chain` integer NOT NULL DEFAULT 0;
ALTER TABLE `deliveries` ADD COLUMN `held` bool NOT NULL DEFAULT false;
CREATE INDEX `delivery_chain` ON `deliveries` (`chain`) WHERE chain <> 0;
