package cluster

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/test/proc"
)

// maxStatements is how many statements two alert services may use for the same work, beside
// one.
const maxStatements = 1.2

// The work: alerts one after the other, so that no two of them share a transaction with one
// alert service but not with two, and then a time without any, which counts as a minute.
var (
	countedAlerts = pick(60, 2500) // to two users on average
	idleTime      = pick(3*time.Second, time.Minute)
)

// TestStatements checks that two alert services on one ledger do not do the same work twice:
// it counts the statements of PostgreSQL for some alerts and a minute without any.
func TestStatements(t *testing.T) {
	needCluster(t)
	var one, two float64
	t.Run("clusters", func(t *testing.T) {
		t.Run("one alert service", func(t *testing.T) {
			t.Parallel()
			one = countStatements(t, 1)
		})
		t.Run("two alert services", func(t *testing.T) {
			t.Parallel()
			two = countStatements(t, 2)
		})
	})
	if t.Failed() || one == 0 || two == 0 {
		return // or skipped
	}
	t.Logf("statements per delivery, with a minute without load: %.2f with one alert service, %.2f with two: %.2f times as many", one, two, two/one)
	if two > maxStatements*one {
		t.Errorf("two alert services use %.2f times the statements of one, want at most %.1f", two/one, maxStatements)
	}
}

// countStatements returns the statements per delivery with some alert services.
func countStatements(t *testing.T, alerts int) float64 {
	t.Helper()
	c := newCluster(t, size{edges: 1, directories: 1, accesses: 1, alerts: alerts, senders: 1}, "shared_preload_libraries=pg_stat_statements")
	s := c.openStatements(t)
	s.reset(t)
	l := &load{prefix: "statements", rng: rand.New(rand.NewPCG(1, 1))} // the same for both
	for _, edge := range c.of("edge") {
		l.edges = append(l.edges, alertv1connect.NewAlertServiceClient(c.client(), edge.url))
	}
	before := c.sent.count()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(countedAlerts)*time.Second/4+proc.Patience)
	defer cancel()
	deliveries := 0
	for range countedAlerts {
		l.send(ctx, l.next())
		deliveries += l.sent[len(l.sent)-1].Count
		for c.sent.count() < before+deliveries {
			wait(ctx, time.Millisecond)
			if ctx.Err() != nil {
				t.Fatalf("%d of %d deliveries were sent", c.sent.count()-before, deliveries)
			}
		}
	}
	wait(t.Context(), time.Second) // for the last reports
	busy := s.calls(t)
	t.Logf("%d deliveries: %d statements\n%s", deliveries, busy, s.most(t))
	s.reset(t)
	wait(t.Context(), idleTime)
	idle := s.calls(t)
	t.Logf("%s without load: %d statements\n%s", idleTime, idle, s.most(t))
	return (float64(busy) + float64(idle)*float64(time.Minute)/float64(idleTime)) / float64(deliveries)
}

// statements reads the statistics of the ledger's database.
type statements struct {
	conn   *pgx.Conn
	ledger string // name
}

func (c *cluster) openStatements(t *testing.T) statements {
	t.Helper()
	ledger, err := url.Parse(c.ledger)
	must(t, err)
	conn, err := pgx.Connect(t.Context(), c.newDatabase(t))
	must(t, err)
	t.Cleanup(func() { must(t, conn.Close(context.Background())) })
	if _, err := conn.Exec(t.Context(), "CREATE EXTENSION pg_stat_statements"); err != nil {
		t.Skip("skipped without pg_stat_statements, which is in Debian's package postgresql: " + err.Error())
	}
	return statements{conn, strings.TrimPrefix(ledger.Path, "/")}
}

// reset sets all counts to zero.
func (s statements) reset(t *testing.T) {
	t.Helper()
	_, err := s.conn.Exec(t.Context(), "SELECT pg_stat_statements_reset()")
	must(t, err)
}

const fromLedger = " FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid WHERE datname = $1"

// calls returns the number of statements since the reset.
func (s statements) calls(t *testing.T) (n int64) {
	t.Helper()
	must(t, s.conn.QueryRow(t.Context(), "SELECT coalesce(sum(calls), 0)::bigint"+fromLedger, s.ledger).Scan(&n))
	return n
}

// most returns the most frequent statements as text.
func (s statements) most(t *testing.T) (text string) {
	t.Helper()
	rows, err := s.conn.Query(t.Context(), "SELECT calls, regexp_replace(left(query, 160), '\\s+', ' ', 'g')"+fromLedger+" ORDER BY calls DESC LIMIT 12", s.ledger)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var calls int64
		var query string
		must(t, rows.Scan(&calls, &query))
		text += fmt.Sprintf("%7d %s\n", calls, query)
	}
	must(t, rows.Err())
	return text
}
