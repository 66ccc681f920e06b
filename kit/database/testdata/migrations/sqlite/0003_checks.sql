-- +goose Up
CREATE TABLE new_users (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, nickname text NOT NULL CHECK (length(nickname) > 0));
INSERT INTO new_users (id, nickname) SELECT id, nickname FROM users;
DROP TABLE users;
ALTER TABLE new_users RENAME TO users;
CREATE UNIQUE INDEX users_nickname_key ON users (nickname);
