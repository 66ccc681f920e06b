package main

import (
	"context"
	"database/sql"
	"net/url"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// A ledger is a read access to Bongsu's ledger database.
type ledger struct {
	db       *sql.DB
	postgres bool
}

// open opens a ledger for the duration of the scenario.
func (s *scene) open(where string) *ledger {
	l := &ledger{postgres: strings.HasPrefix(where, "postgres://")}
	driver, source := "pgx", where
	if !l.postgres {
		driver, source = "sqlite", "file:"+(&url.URL{Path: where}).EscapedPath()+"?_pragma=busy_timeout(60000)"
	}
	var err error
	l.db, err = sql.Open(driver, source)
	s.must(err)
	l.db.SetMaxOpenConns(1)
	s.Cleanup(func() { _ = l.db.Close() }) // only read, or already committed
	return l
}

// empty waits until no delivery is queued or claimed.
func (l *ledger) empty(ctx context.Context) error {
	for {
		var waiting bool
		err := l.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM deliveries WHERE state = 1) OR EXISTS (SELECT 1 FROM deliveries WHERE state = 2)`).Scan(&waiting)
		if err != nil || !waiting {
			return err
		}
		select {
		case <-time.After(time.Millisecond): // the database of another process can only be polled
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// waiting returns the number of deliveries that are queued or claimed.
func (l *ledger) waiting(s *scene) (n int) {
	s.must(l.db.QueryRowContext(s.ctx, `SELECT (SELECT count(*) FROM deliveries WHERE state = 1) + (SELECT count(*) FROM deliveries WHERE state = 2)`).Scan(&n))
	return n
}

// seeded returns how many of the first alerts, the seeded ones, exist and were created
// at or after a time.
func (l *ledger) seeded(s *scene, alerts int, from time.Time) (n int) {
	s.must(l.db.QueryRowContext(s.ctx, `SELECT count(*) FROM alerts WHERE id <= $1 AND create_time >= $2`, alerts, from.UnixMicro()).Scan(&n))
	return n
}

// delivered returns the number of sent deliveries of alerts beyond the seeded ones,
// each with its alert and an attempt with status 200.
func (l *ledger) delivered(s *scene, seeded int) (n int) {
	s.must(l.db.QueryRowContext(s.ctx, `SELECT count(*) FROM alerts JOIN deliveries ON deliveries.alert_id = alerts.id
		JOIN attempts ON attempts.delivery_id = deliveries.id WHERE alerts.id > $1 AND deliveries.state = 3 AND attempts.status = 200`, seeded).Scan(&n))
	return n
}
