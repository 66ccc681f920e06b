-- +goose Up
CREATE INDEX books_user_id ON books (user_id);
