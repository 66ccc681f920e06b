package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"time"

	"entgo.io/ent/dialect"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bongsu-project/bongsu/kit/redact"
)

// maxConnections is the maximum number of connections of a process to a PostgreSQL database.
const maxConnections = 16

// openPostgres opens connections whose commits wait for the disk, and checks that the server
// applied this setting. application is the application_name, unless the URL has one.
func openPostgres(ctx context.Context, url, application string) (*Database, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil { // CheckURL has validated it; err may quote the password
		return nil, errors.New("the URL " + urlFormats)
	}
	settings := map[string]string{
		"default_transaction_isolation": "read committed",
		// A cached plan stays in use while a table grows that was small when it was planned, and
		// all frequent queries have an index.
		"enable_seqscan": "off",
		// Without a usable index, enable_seqscan adds a penalty to the cost that exceeds every
		// threshold of JIT: compiling would take half a second for a query that runs for a
		// millisecond.
		"jit":                "off",
		"synchronous_commit": "on",
	}
	if config.RuntimeParams["synchronous_commit"] == "remote_apply" { // which also waits for the replicas
		settings["synchronous_commit"] = "remote_apply"
	}
	d := &Database{dialect: dialect.Postgres}
	if hasPooler(config) {
		d.pooled = settings
		maps.DeleteFunc(config.RuntimeParams, func(name, _ string) bool { return settings[name] != "" })
	} else {
		maps.Copy(config.RuntimeParams, settings)
	}
	if application != "" && config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = application
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxConnections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	d.writer, d.reader = db, db

	synchronous, err := d.synchronousCommit(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("PostgreSQL: %w", redact.Error(err, url)), d.Close())
	}
	if synchronous != "on" && synchronous != "remote_apply" {
		return nil, errors.Join(fmt.Errorf("PostgreSQL may lose confirmed commits with synchronous_commit=%s; "+
			"allow the connection to set it to on", synchronous), d.Close())
	}
	return d, nil
}

// hasPooler reports whether a pooler may give each transaction another server connection, as
// PgBouncer does in transaction mode. The URL declares it by default_query_exec_mode=exec or
// simple_protocol, without which such a pooler fails. Then no session setting is made and no
// statement is prepared on a connection.
func hasPooler(config *pgx.ConnConfig) bool {
	mode := config.DefaultQueryExecMode
	return mode == pgx.QueryExecModeExec || mode == pgx.QueryExecModeSimpleProtocol
}

// synchronousCommit returns the value of synchronous_commit that is in effect.
func (d *Database) synchronousCommit(ctx context.Context) (value string, err error) {
	err = d.transact(ctx, d.writer, nil, nil, func(ctx context.Context, t *Tx) error {
		found, err := Select(ctx, t, func(rows *sql.Rows, value *string) error { return rows.Scan(value) }, "SHOW synchronous_commit")
		if len(found) == 1 {
			value = found[0]
		}
		return err
	})
	return value, err
}

// begin begins a transaction. Behind a pooler it sets all settings within the transaction.
func (d *Database) begin(ctx context.Context, db *sql.DB, options *sql.TxOptions) (*sql.Tx, error) {
	if d.pooled == nil {
		return db.BeginTx(ctx, options)
	}
	if options == nil {
		options = &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	}
	tx, err := db.BeginTx(ctx, options)
	if err != nil {
		return nil, err
	}
	const set = "SELECT set_config('enable_seqscan', $1, true), set_config('synchronous_commit', $2, true), set_config('jit', $3, true)"
	if _, err := tx.ExecContext(ctx, set, d.pooled["enable_seqscan"], d.pooled["synchronous_commit"], d.pooled["jit"]); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}
