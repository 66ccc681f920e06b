package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// seedWidth is the number of deliveries of a seeded alert.
const seedWidth = 5

// seedAlerts, seedDeliveries and seedAttempts insert alerts from number {from} to below
// {to}, the first created at {start} microseconds, each {step} after the one before.
// All deliveries were sent, by one attempt, to existing users.
const (
	seedAlerts = `INSERT INTO alerts (id, targets, unknown, severity, message, create_time, expire_time, more)
SELECT n, '["@@of5-0"]', '[]', 'normal', 'node down, seeded', {start} + n * {step}, {start} + n * {step} + 86400000000, '' FROM {numbers}`

	seedDeliveries = `INSERT INTO deliveries (id, alert_id, nickname, messenger, rank, destination, credential, credential_key, state, next_time,
	expire_time, fence, attempt_count, claim_time, lease_time, sender, end_time)
SELECT n * 5 + m, n, 'user' || ((n * 5 + m) % 1000), 'slack', 2, 'Cbench' || ((n * 5 + m) % 1000) || '#', {credential}, 'seeded-credential-key', 3, 0,
	{start} + n * {step} + 86400000000, 1, 1, {start} + n * {step} + 1000, {start} + n * {step} + 30000000, 'seed', {start} + n * {step} + 5000
FROM {numbers} CROSS JOIN (SELECT 0 AS m UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) AS five`

	seedAttempts = `INSERT INTO attempts (delivery_id, number, fence, start_time, end_time, kind, scope, status, code, message_id, excerpt, possible_duplicate)
SELECT n * 5 + m, 1, 1, {start} + n * {step} + 2000, {start} + n * {step} + 4000, 1, 0, 200, '', '1503435956.' || n, '{"ok":true,"ts":"1503435956.000001"}', false
FROM {numbers} CROSS JOIN (SELECT 0 AS m UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) AS five`
)

// seedBatch is the number of alerts seeded in a transaction.
const seedBatch = 50_000

// kinds are the kinds of databases.
var kinds = []string{"sqlite", "postgres"}

// fresh returns databases of a kind with users, for the duration of the scenario; found
// is false if there is no such database, which is noted.
func (s *scene) fresh(kind string) (in databases, found bool) {
	in = s.files()
	if kind == "postgres" {
		if in, found = s.onPostgres(); !found {
			return in, false
		}
	}
	s.must(s.bongsu(in).Stop(s))
	return in, true
}

// filled returns databases of a kind with users and millions of deliveries. They are
// filled once, and grow by the deliveries of scenarios.
func (s *scene) filled(kind string, millions int) (databases, error) {
	key := fmt.Sprintf("%s/%dM", kind, millions)
	if in, found := s.full[key]; found {
		return in, nil
	}
	in, err := s.lasting(kind)
	if err != nil {
		return in, err
	}
	s.must(s.bongsu(in).Stop(s))
	start := time.Now()
	s.seed(s.open(in.ledger), millions*1_000_000/seedWidth)
	s.say("%s: %d million deliveries seeded in %s", kind, millions, time.Since(start).Round(time.Second))
	s.full[key] = in
	return in, nil
}

// lasting returns empty databases that outlive the scenario.
func (s *scene) lasting(kind string) (in databases, err error) {
	if kind == "sqlite" {
		dir, err := os.MkdirTemp(s.Dir, "bench-")
		s.folders = append(s.folders, dir)
		return databases{filepath.Join(dir, "directory.db"), filepath.Join(dir, "ledger.db")}, err
	}
	server, err := s.server()
	if err != nil {
		return in, err
	}
	var errs [2]error
	in.directory, errs[0] = server.CreateDatabase(s.ctx)
	in.ledger, errs[1] = server.CreateDatabase(s.ctx)
	return in, errors.Join(errs[:]...)
}

// month is the age of the first seeded alert.
const month = 30 * 24 * time.Hour

// seed fills a ledger with alerts of the last month, at equal intervals.
func (s *scene) seed(l *ledger, alerts int) {
	before, after, credential := []string{"PRAGMA synchronous = OFF", "PRAGMA cache_size = -500000"}, []string{"PRAGMA wal_checkpoint(TRUNCATE)"}, "zeroblob(60)"
	numbers := `(WITH RECURSIVE numbers (n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {to}) SELECT n FROM numbers)`
	if l.postgres {
		before, after, credential = []string{"SET synchronous_commit = off"}, []string{"VACUUM ANALYZE", "CHECKPOINT"}, `decode(repeat('00', 60), 'hex')`
		numbers = `(SELECT n FROM generate_series({from}::bigint, {to}::bigint - 1) AS n) AS numbers`
	}
	start := time.Now().Add(-month).UnixMicro()
	for _, text := range before {
		s.exec(l, text)
	}
	for from := 1; from <= alerts; from += seedBatch {
		to := min(from+seedBatch, alerts+1)
		fill := strings.NewReplacer("{numbers}", strings.NewReplacer("{from}", fmt.Sprint(from), "{to}", fmt.Sprint(to)).Replace(numbers),
			"{start}", fmt.Sprint(start), "{step}", fmt.Sprint(month.Microseconds()/int64(alerts)), "{credential}", credential)
		for _, text := range []string{seedAlerts, seedDeliveries, seedAttempts} {
			s.exec(l, fill.Replace(text))
		}
	}
	for _, text := range after {
		s.exec(l, text)
	}
}

func (s *scene) exec(l *ledger, text string) {
	_, err := l.db.ExecContext(s.ctx, text)
	s.must(err)
}
