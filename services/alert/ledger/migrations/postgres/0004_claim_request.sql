-- +goose Up
ALTER TABLE "deliveries" ADD COLUMN "claim_request" bytea NULL;
