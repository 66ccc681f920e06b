package faults

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// TestPostgreSQLGoneAndBack stops the database under load: alerts that cannot be
// recorded are refused, and accepted ones are kept.
func TestPostgreSQLGoneAndBack(t *testing.T) {
	t.Parallel()
	server, err := postgrestest.Start(t.Context(), testenv.Postgres)
	if errors.Is(err, postgrestest.ErrNone) {
		t.Skip("skipped without PostgreSQL: " + err.Error())
	}
	must(t, err)
	t.Cleanup(func() { must(t, server.Stop()) })
	directory, err := server.CreateDatabase(t.Context())
	must(t, err)
	ledger, err := server.CreateDatabase(t.Context())
	must(t, err)
	s := oneIn(t, t.TempDir(), "--directory-url="+directory, "--ledger-url="+ledger)

	all, _ := posts(draw(t.Name()), 60)
	s.faultWhileBusy(t, all, bound, func() {
		err = server.Crash(t.Context(), func() {
			s.notReady(t)
			s.refuses(t)
		})
	})
	if errors.Is(err, postgrestest.ErrNone) {
		t.Skip("the PostgreSQL of " + testenv.Postgres + " was not started by this test")
	}
	must(t, err)
	s.ready(t)
	s.judge(t, all)
	s.living(t)
}

// limited returns a context with the timeout patience.
func limited(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	t.Cleanup(cancel)
	return ctx
}

// ready waits until the system is ready.
func (s *system) ready(t testing.TB) { s.readiness(t, http.StatusOK) }

// notReady waits until the system is not ready.
func (s *system) notReady(t testing.TB) { s.readiness(t, http.StatusServiceUnavailable) }

func (s *system) readiness(t testing.TB, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		status, body := s.get(ctx, "/readyz")
		if status == want {
			return
		}
		wait(ctx, 50*time.Millisecond)
		if ctx.Err() != nil {
			t.Fatalf("/readyz returns %d %q, want %d", status, body, want)
		}
	}
}

func (s *system) get(ctx context.Context, path string) (status int, text string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return 0, err.Error()
	}
	res, err := s.client().Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(body)
}

// refuses checks that an alert is refused with a helpful error without internal
// details.
func (s *system) refuses(t testing.TB) {
	t.Helper()
	res, err := s.client().Post(s.url+"/v1/alerts", "application/json", strings.NewReader(`{"target":["@all"],"message":"`+strings.Repeat("y", 10000)+`"}`))
	must(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	if res.StatusCode < 500 || !strings.Contains(string(body), "unavailable") || strings.Contains(strings.ToLower(string(body)), "sql") {
		t.Errorf("response %d %s", res.StatusCode, body)
	}
}
