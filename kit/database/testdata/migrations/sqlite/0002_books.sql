-- +goose Up
CREATE TABLE books (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, title text NOT NULL, user_id integer NULL REFERENCES users (id) ON DELETE CASCADE);
