-- +goose Up
CREATE INDEX "membership_user_id" ON "groups_users" ("user_id");
ALTER TABLE "users_messengers" ADD COLUMN "credential_key" character varying NOT NULL DEFAULT '';
