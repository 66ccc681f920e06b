-- +goose Up
CREATE TABLE `revisions` (`name` text NOT NULL, `number` integer NOT NULL, PRIMARY KEY (`name`));
