package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// TestTooManyMonitors checks that concurrent calls create no more monitors than there may be.
func TestTooManyMonitors(t *testing.T) {
	t.Parallel()
	for dialect, url := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "monitor.db") },
		"postgres": func(t *testing.T) string { return postgrestest.URL(t) },
	} {
		t.Run(dialect, func(t *testing.T) {
			s, err := Open(t.Context(), url(t))
			kittest.NoError(t, err)
			defer func() { kittest.NoError(t, s.Close()) }()
			kittest.NoError(t, s.db.Write(t.Context(), func(ctx context.Context, t *database.Tx) error {
				_, err := t.Exec(ctx, `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < `+fmt.Sprint(monitor.MaxMonitors-4)+`)
					INSERT INTO monitors (name, title, group_name, kind, check_settings, settings, built_in, create_time, update_time, revision)
					SELECT CAST(n AS text), '', '', 'http', '{}', '{}', false, 0, 0, 0 FROM numbers`)
				return err
			}))
			refused := 0
			for _, err := range kittest.Concurrently(8, func(n int) error {
				_, err := s.Create(t.Context(), monitor.Monitor{Settings: monitor.Settings{Name: fmt.Sprint("new-", n), Check: &probe.HTTP{}}})
				return err
			}) {
				if err != nil {
					kittest.Error(t, err, fault.ErrExhausted, fmt.Sprint(monitor.MaxMonitors))
					refused++
				}
			}
			kittest.Equal(t, refused, 4)
			_, _, err = s.Set(t.Context(), "another", func(*monitor.Monitor) (monitor.Monitor, error) {
				return monitor.Monitor{Settings: monitor.Settings{Check: &probe.HTTP{}}}, nil
			})
			kittest.Error(t, err, fault.ErrExhausted)
		})
	}
}
