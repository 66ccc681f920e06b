-- +goose Up
ALTER TABLE `users_messengers` ADD COLUMN `credential_key` text NOT NULL DEFAULT '';
CREATE INDEX `membership_user_id` ON `groups_users` (`user_id`);
