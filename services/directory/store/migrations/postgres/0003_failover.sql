-- +goose Up
ALTER TABLE "users" ADD COLUMN "failover" boolean NOT NULL DEFAULT false;
ALTER TABLE "users_messengers" ADD COLUMN "rank" bigint NOT NULL DEFAULT 0;
