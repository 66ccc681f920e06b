-- +goose Up
ALTER TABLE `alerts` ADD COLUMN `trace` text NOT NULL DEFAULT '';
