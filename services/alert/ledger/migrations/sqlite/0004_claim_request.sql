-- +goose Up
ALTER TABLE `deliveries` ADD COLUMN `claim_request` blob NULL;
