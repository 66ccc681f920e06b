package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func (c *Postgres) run(ctx context.Context, p *Prober) Finding {
	config, err := c.config(p)
	if err != nil {
		return unknown("invalid url") // the error quotes it
	}
	if config == nil {
		return unknown("the ledger of this process is not PostgreSQL: set url")
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return failed("%s", postgresReason(err))
	}
	defer conn.Close(context.WithoutCancel(ctx)) // it was only read
	f, err := c.measure(ctx, conn)
	if err != nil {
		return failed("%s", postgresReason(err))
	}
	return f
}

// config returns the settings of the connection; nil if there is no server.
func (c *Postgres) config(p *Prober) (*pgx.ConnConfig, error) {
	if c.URL == "" && p.env.LedgerURL == "" {
		return nil, nil //nolint:nilnil // there is no server
	}
	if c.URL == "" {
		config, err := pgx.ParseConfig(p.env.LedgerURL)
		if err == nil {
			config.DefaultQueryExecMode = pgx.QueryExecModeExec
		}
		return config, err
	}
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, err
	}
	// The password of this process's environment or of its file must not reach the server.
	config.Password = c.Password
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // a pooler in between keeps no statements
	config.DialFunc = p.guard.DialContext
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil } // DialFunc resolves it
	if config.TLSConfig != nil && p.env.Roots != nil {
		config.TLSConfig.RootCAs = p.env.Roots
	}
	return config, nil
}

// measure returns the finding of the values that have a limit.
func (c *Postgres) measure(ctx context.Context, conn *pgx.Conn) (Finding, error) {
	var m measures
	for _, of := range []struct {
		name, query, unit string
		limit             float64
		statistics        bool // of all sessions, which needs a privilege
	}{
		{"connections", connectionsQuery, " %", c.ConnectionsPercent, false},
		{"replication lag", replicationQuery, " s", c.ReplicationLag.Seconds(), true},
		{"oldest transaction", transactionQuery, " s", c.TransactionAge.Seconds(), true},
		{"transaction ids until wraparound", wraparoundQuery, " %", c.XIDPercent, false},
	} {
		if of.limit == 0 {
			continue
		}
		if of.statistics {
			ok, err := readsStatistics(ctx, conn)
			if err != nil {
				return Finding{}, err
			}
			if !ok {
				return unknown("the user must be a member of pg_monitor or pg_read_all_stats to read the %s", of.name), nil
			}
		}
		var value float64
		if err := conn.QueryRow(ctx, of.query).Scan(&value); err != nil {
			return Finding{}, err
		}
		m.add(of.name, value, of.unit, of.limit, value > of.limit)
	}
	if m.has {
		return m.finding(), nil
	}
	start := time.Now()
	if err := conn.Ping(ctx); err != nil {
		return Finding{}, err
	}
	return passed("PostgreSQL %s answers after %s ms", conn.PgConn().ParameterStatus("server_version"), trimmed(float64(time.Since(start).Microseconds())/1000)), nil
}

const (
	connectionsQuery = `SELECT (100.0 * count(*) / current_setting('max_connections')::int)::float8 FROM pg_stat_activity WHERE backend_type = 'client backend'`
	// replicationQuery returns the lag of a standby that has something to replay, or of the slowest standby.
	replicationQuery = `SELECT coalesce(CASE WHEN pg_is_in_recovery() THEN
		CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END
		ELSE (SELECT max(extract(epoch FROM replay_lag)) FROM pg_stat_replication) END, 0)::float8`
	transactionQuery = `SELECT coalesce(max(extract(epoch FROM now() - xact_start)), 0)::float8 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
	wraparoundQuery  = `SELECT (100.0 * max(age(datfrozenxid)) / 2147483647)::float8 FROM pg_database`
)

// readsStatistics reports whether the user may read the sessions of others.
func readsStatistics(ctx context.Context, conn *pgx.Conn) (ok bool, err error) {
	err = conn.QueryRow(ctx, `SELECT pg_has_role('pg_read_all_stats', 'USAGE')`).Scan(&ok)
	return ok, err
}

// postgresReason returns why a connection or a query failed.
func postgresReason(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return fmt.Sprintf("PostgreSQL: %s (SQLSTATE %s)", refused.Message, refused.Code)
	}
	var connecting *pgconn.ConnectError
	if errors.As(err, &connecting) { // its text has the settings
		return reason(connecting.Unwrap())
	}
	return reason(err)
}
