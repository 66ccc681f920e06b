-- +goose Up
ALTER TABLE `alerts` ADD COLUMN `expire_time` integer NOT NULL DEFAULT 0;
DROP INDEX `delivery_waiting`;
ALTER TABLE `deliveries` ADD COLUMN `deferred` bool NOT NULL DEFAULT false;
ALTER TABLE `deliveries` ADD COLUMN `expire_time` integer NOT NULL DEFAULT 253370764800000000;
ALTER TABLE `deliveries` ADD COLUMN `tries` integer NOT NULL DEFAULT 0;
ALTER TABLE `deliveries` ADD COLUMN `canceled` bool NOT NULL DEFAULT false;
CREATE INDEX `delivery_due` ON `deliveries` (`rank`, `next_time`, `id`) WHERE state = 1;
CREATE INDEX `delivery_expiring` ON `deliveries` (`expire_time`) WHERE state = 1;
CREATE INDEX `delivery_held` ON `deliveries` (`lease_time`) WHERE state = 2;
CREATE TABLE `keys` (`name` text NOT NULL, `request` blob NOT NULL, `alert_id` integer NOT NULL, `expire_time` integer NOT NULL, PRIMARY KEY (`name`));
CREATE INDEX `key_expire_time` ON `keys` (`expire_time`);
