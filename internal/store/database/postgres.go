package database

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// connections is how many connections a process holds to a PostgreSQL database.
const connections = 16

// isPostgres says whether url names a PostgreSQL database.
func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// openPostgres opens connections whose commits wait for the disk, and makes sure
// that the server agreed to it.
func openPostgres(ctx context.Context, url string) (*Database, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		// err may quote the url, and with it the password.
		return nil, errors.New("the database's URL is not of the form postgres://USER:PASSWORD@HOST:PORT/NAME?sslmode=…")
	}
	config.RuntimeParams["default_transaction_isolation"] = "read committed"
	// A plan is kept while a table grows that was small when it was made, and all that is
	// asked often has an index.
	config.RuntimeParams["enable_seqscan"] = "off"
	if config.RuntimeParams["synchronous_commit"] != "remote_apply" { // which waits for still more
		config.RuntimeParams["synchronous_commit"] = "on"
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "bongsu"
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	d := &Database{dialect: dialect.Postgres, writer: db, reader: db}

	var synchronous string
	if err := db.QueryRowContext(ctx, "SHOW synchronous_commit").Scan(&synchronous); err != nil {
		// Only its text: the error itself holds the password.
		return nil, errors.Join(fmt.Errorf("PostgreSQL: %s", err.Error()), d.Close())
	}
	if synchronous != "on" && synchronous != "remote_apply" {
		return nil, errors.Join(fmt.Errorf("PostgreSQL commits with synchronous_commit=%s and may lose what it confirmed; "+
			"let the connection set it to on", synchronous), d.Close())
	}
	return d, nil
}
