-- +goose Up
CREATE TABLE users (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, nickname text NOT NULL);
CREATE UNIQUE INDEX users_nickname_key ON users (nickname);
