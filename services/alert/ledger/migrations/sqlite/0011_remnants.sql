-- +goose Up
CREATE TABLE `remnants` (`id` integer NOT NULL, PRIMARY KEY (`id`));
