-- +goose Up
CREATE TABLE `users_messengers` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `service_type` text NOT NULL, `token` blob NOT NULL, `target` text NOT NULL, `user_id` integer NOT NULL, CONSTRAINT `users_messengers_users_addresses` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE, CONSTRAINT `service_type_length` CHECK (length(service_type) BETWEEN 1 AND 10), CONSTRAINT `target_length` CHECK (length(target) <= 255));
CREATE UNIQUE INDEX `address_user_id_service_type` ON `users_messengers` (`user_id`, `service_type`);
CREATE TABLE `groups` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `groupname` text NOT NULL, CONSTRAINT `groupname_length` CHECK (length(groupname) BETWEEN 1 AND 30));
CREATE UNIQUE INDEX `groups_groupname_key` ON `groups` (`groupname`);
CREATE TABLE `users` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `nickname` text NOT NULL, CONSTRAINT `nickname_length` CHECK (length(nickname) BETWEEN 1 AND 30));
CREATE UNIQUE INDEX `users_nickname_key` ON `users` (`nickname`);
CREATE TABLE `groups_users` (`group_id` integer NOT NULL, `user_id` integer NOT NULL, PRIMARY KEY (`group_id`, `user_id`), CONSTRAINT `groups_users_group_id` FOREIGN KEY (`group_id`) REFERENCES `groups` (`id`) ON DELETE CASCADE, CONSTRAINT `groups_users_user_id` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
