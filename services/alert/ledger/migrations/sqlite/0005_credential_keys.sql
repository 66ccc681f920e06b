-- +goose Up
ALTER TABLE `deliveries` ADD COLUMN `credential_key` text NOT NULL DEFAULT '';
