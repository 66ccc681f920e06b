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

// A ledger is Bongsu's, looked into from outside.
type ledger struct {
	db       *sql.DB
	postgres bool
}

// open opens a ledger for the time of the scene.
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
	s.Cleanup(func() { _ = l.db.Close() }) // it was only read, or what was written is committed
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
		case <-time.After(time.Millisecond): // another process's database can only be asked again
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// waiting is how many deliveries are queued or claimed.
func (l *ledger) waiting(s *scene) (n int) {
	s.must(l.db.QueryRowContext(s.ctx, `SELECT (SELECT count(*) FROM deliveries WHERE state = 1) + (SELECT count(*) FROM deliveries WHERE state = 2)`).Scan(&n))
	return n
}

// seeded is how many there are of so many seeded alerts that were created at a time or
// after it.
func (l *ledger) seeded(s *scene, alerts int, from time.Time) (n int) {
	s.must(l.db.QueryRowContext(s.ctx, `SELECT count(*) FROM alerts WHERE id <= $1 AND create_time >= $2`, alerts, from.UnixMicro()).Scan(&n))
	return n
}

// delivered is how many deliveries of alerts beyond so many seeded ones were sent, each
// with its alert and the answer that says so.
func (l *ledger) delivered(s *scene, seeded int) (n int) {
	s.must(l.db.QueryRowContext(s.ctx, `SELECT count(*) FROM alerts JOIN deliveries ON deliveries.alert_id = alerts.id
		JOIN attempts ON attempts.delivery_id = deliveries.id WHERE alerts.id > $1 AND deliveries.state = 3 AND attempts.status = 200`, seeded).Scan(&n))
	return n
}
