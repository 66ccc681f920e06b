-- +goose Up
CREATE TABLE `templates` (`name` text NOT NULL, `messenger` text NOT NULL, `severity` text NOT NULL, `template` text NOT NULL, PRIMARY KEY (`name`));
