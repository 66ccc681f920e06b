-- +goose Up
ALTER TABLE `users` ADD COLUMN `failover` bool NOT NULL DEFAULT false;
ALTER TABLE `users_messengers` ADD COLUMN `rank` integer NOT NULL DEFAULT 0;
