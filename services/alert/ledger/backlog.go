package ledger

import (
	"context"
	"database/sql"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// Backlogs returns the number of deliveries that are not completed.
func (s *Store) Backlogs(ctx context.Context, now time.Time, destinations bool) (all []alert.Backlog, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		all, err = database.Select(ctx, t, func(rows *sql.Rows, b *alert.Backlog) error {
			var oldest int64
			err := rows.Scan(&b.Messenger, &b.CredentialFingerprint, &b.Destination, &b.Queued, &b.Due, &oldest)
			b.Oldest = fromMicros(oldest)
			return err
		}, selectBacklogs(destinations), micros(now), micros(now))
		return err
	})
	return all, err
}

// selectBacklogs counts by the indexes of queued and of claimed deliveries: first by alert, so
// that each alert is looked up once. alert_id + 0 keeps SQLite from the index by alert, which
// includes all completed deliveries.
func selectBacklogs(destinations bool) string {
	destination, by := `''`, `GROUP BY alert_id + 0, messenger, credential_key`
	if destinations {
		destination, by = `destination`, by+`, destination`
	}
	return `SELECT messenger, credential_key, destination, CAST(sum(queued) AS BIGINT), CAST(sum(due) AS BIGINT),
			COALESCE(min(CASE WHEN aging > 0 THEN (SELECT create_time FROM alerts WHERE alerts.id = w.alert_id) END), 0)
		FROM (
			SELECT alert_id + 0 AS alert_id, messenger, credential_key, ` + destination + ` AS destination, count(*) AS queued,
				sum(CASE WHEN deferred AND next_time > ? THEN 0 ELSE 1 END) AS due,
				sum(CASE WHEN hold <> 0 AND attempt_count = 0 AND next_time > ? THEN 0 ELSE 1 END) AS aging
			FROM deliveries WHERE ` + isQueued + ` ` + by + `
			UNION ALL
			SELECT alert_id + 0, messenger, credential_key, ` + destination + `, count(*), count(*), count(*)
			FROM deliveries WHERE ` + isClaimed + ` ` + by + `
		) w GROUP BY messenger, credential_key, destination ORDER BY messenger, credential_key, destination`
}
