-- +goose Up
CREATE TABLE `new_incidents` (`id` integer NOT NULL, `alert_key` text NOT NULL, `state` integer NOT NULL, `severity` text NOT NULL, `title` text NOT NULL, `message` text NOT NULL, `link` text NOT NULL, `source` text NOT NULL, `targets` text NOT NULL, `messengers` text NOT NULL, `escalation` text NOT NULL, `next_escalation` integer NOT NULL DEFAULT (0), `alert_count` integer NOT NULL, `reopen_count` integer NOT NULL, `open_time` integer NOT NULL, `update_time` integer NOT NULL, `resolve_time` integer NOT NULL, `ack_time` integer NOT NULL, `ack_by` text NOT NULL, `entry_count` integer NOT NULL, `last_change` integer NOT NULL, `revision` integer NOT NULL, PRIMARY KEY (`id`));
INSERT INTO `new_incidents` (`id`, `alert_key`, `state`, `severity`, `title`, `message`, `link`, `source`, `targets`, `messengers`, `escalation`, `alert_count`, `reopen_count`, `open_time`, `update_time`, `resolve_time`, `ack_time`, `ack_by`, `entry_count`, `last_change`, `revision`) SELECT `id`, `alert_key`, `state`, `severity`, `title`, `message`, `link`, `source`, `targets`, `messengers`, `escalation`, `alert_count`, `reopen_count`, `open_time`, `update_time`, `resolve_time`, `ack_time`, `ack_by`, `entry_count`, `last_change`, `revision` FROM `incidents`;
DROP TABLE `incidents`;
ALTER TABLE `new_incidents` RENAME TO `incidents`;
CREATE INDEX `incident_revision` ON `incidents` (`revision`);
CREATE INDEX `incident_alert_key_id` ON `incidents` (`alert_key`, `id`);
CREATE INDEX `incident_update_time` ON `incidents` (`update_time`);
CREATE INDEX `incident_open` ON `incidents` (`id`) WHERE state <> 3;
CREATE TABLE `escalations` (`id` integer NOT NULL, `steps` text NOT NULL, `repeat_count` integer NOT NULL, `step` integer NOT NULL, `round` integer NOT NULL, `due_time` integer NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `escalation_due_time` ON `escalations` (`due_time`);
CREATE TABLE `escalation_groups` (`group_name` text NOT NULL, `policy` text NOT NULL, PRIMARY KEY (`group_name`));
CREATE TABLE `escalation_policies` (`name` text NOT NULL, `steps` text NOT NULL, `repeat_count` integer NOT NULL, `update_time` integer NOT NULL, PRIMARY KEY (`name`));
