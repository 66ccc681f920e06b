-- +goose Up
CREATE TABLE `silences` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `matchers` text NOT NULL, `start_time` integer NOT NULL, `end_time` integer NOT NULL, `create_time` integer NOT NULL, `reason` text NOT NULL, `author` text NOT NULL);
CREATE INDEX `silence_end_time_id` ON `silences` (`end_time`, `id`);
