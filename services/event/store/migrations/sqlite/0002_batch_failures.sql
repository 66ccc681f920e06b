-- +goose Up
ALTER TABLE `batches` ADD COLUMN `failures` integer NOT NULL DEFAULT 0;
