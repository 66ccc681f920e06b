-- +goose Up
CREATE TABLE `incident_entries` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `incident` integer NOT NULL, `number` integer NOT NULL, `kind` integer NOT NULL, `time` integer NOT NULL, `author` text NOT NULL, `text` text NOT NULL, `alert_id` integer NOT NULL);
CREATE UNIQUE INDEX `entry_incident_number` ON `incident_entries` (`incident`, `number`);
CREATE TABLE `feeds` (`id` integer NOT NULL, `last_change` integer NOT NULL, `holder` text NOT NULL, `lease_time` integer NOT NULL, PRIMARY KEY (`id`));
CREATE TABLE `incidents` (`id` integer NOT NULL, `alert_key` text NOT NULL, `state` integer NOT NULL, `severity` text NOT NULL, `title` text NOT NULL, `message` text NOT NULL, `link` text NOT NULL, `source` text NOT NULL, `targets` text NOT NULL, `messengers` text NOT NULL, `escalation` text NOT NULL, `alert_count` integer NOT NULL, `reopen_count` integer NOT NULL, `open_time` integer NOT NULL, `update_time` integer NOT NULL, `resolve_time` integer NOT NULL, `ack_time` integer NOT NULL, `ack_by` text NOT NULL, `entry_count` integer NOT NULL, `last_change` integer NOT NULL, `revision` integer NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `incident_revision` ON `incidents` (`revision`);
CREATE INDEX `incident_alert_key_id` ON `incidents` (`alert_key`, `id`);
CREATE INDEX `incident_update_time` ON `incidents` (`update_time`);
CREATE INDEX `incident_open` ON `incidents` (`id`) WHERE state <> 3;
CREATE TABLE `notices` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `incident` integer NOT NULL, `entry` integer NOT NULL, `content` text NOT NULL, `attempt` integer NOT NULL, `create_time` integer NOT NULL, `due_time` integer NOT NULL);
CREATE INDEX `notice_due_time` ON `notices` (`due_time`);
CREATE INDEX `notice_incident_id` ON `notices` (`incident`, `id`);
CREATE TABLE `revisions` (`id` integer NOT NULL, `last` integer NOT NULL, PRIMARY KEY (`id`));
INSERT INTO `feeds` (`id`, `last_change`, `holder`, `lease_time`) VALUES (1, 0, '', 0);
INSERT INTO `revisions` (`id`, `last`) VALUES (1, 0);
