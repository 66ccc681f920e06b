-- +goose Up
ALTER TABLE `incidents` ADD COLUMN `next_escalation` integer NOT NULL DEFAULT 0;
CREATE TABLE `escalations` (`id` integer NOT NULL, `steps` text NOT NULL, `repeat_count` integer NOT NULL, `step` integer NOT NULL, `round` integer NOT NULL, `due_time` integer NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `escalation_due_time` ON `escalations` (`due_time`);
CREATE TABLE `escalation_groups` (`group_name` text NOT NULL, `policy` text NOT NULL, PRIMARY KEY (`group_name`));
CREATE TABLE `escalation_policies` (`name` text NOT NULL, `steps` text NOT NULL, `repeat_count` integer NOT NULL, `update_time` integer NOT NULL, PRIMARY KEY (`name`));
