-- +goose Up
ALTER TABLE `attempts` ADD COLUMN `cut` bool NOT NULL DEFAULT false;
ALTER TABLE `attempts` ADD COLUMN `moved` text NOT NULL DEFAULT '';
