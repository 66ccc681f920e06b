-- +goose Up
ALTER TABLE users ADD CHECK (length(nickname) > 0);
