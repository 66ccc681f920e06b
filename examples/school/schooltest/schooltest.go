// Package schooltest runs the tests of the services of the school, each in SQLite and PostgreSQL.
package schooltest

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/bongsu-project/bongsu/examples/school/people"
	eventv1 "github.com/bongsu-project/bongsu/gen/go/school/event/v1"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// Main runs the tests of a package.
func Main(m *testing.M) { postgrestest.Main(m, "BONGSU_TEST_POSTGRES") }

// A Service is the database of a service with its outbox, and what the outbox publishes.
type Service struct {
	DB     *database.Database
	Outbox *stream.Outbox

	mu     sync.Mutex
	events []stream.Event
}

// Each runs a test with a new database of each dialect. The database has the copy of the accounts.
func Each(t *testing.T, schema database.Schema, test func(t *testing.T, s *Service)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, open(t, schema, filepath.Join(t.TempDir(), "school.db"))) })
	t.Run("PostgreSQL", func(t *testing.T) {
		postgrestest.Require(t)
		test(t, open(t, schema, postgrestest.URL(t)))
	})
}

func open(t *testing.T, schema database.Schema, url string) *Service {
	t.Helper()
	s := &Service{DB: kittest.Open(t, url, func(ctx context.Context, url string) (*database.Database, error) {
		return database.Open(ctx, url, schema)
	})}
	kittest.NoError(t, people.Migrate(t.Context(), s.DB))
	var err error
	s.Outbox, err = stream.NewOutbox(s.DB.Writer(), s.DB.Dialect(), s, stream.OutboxOptions{Log: slog.New(slog.DiscardHandler)})
	kittest.NoError(t, err)
	kittest.NoError(t, s.Outbox.Migrate(t.Context()))
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	go func() { ended <- s.Outbox.Run(ctx) }()
	t.Cleanup(func() { stop(); kittest.NoError(t, <-ended) })
	return s
}

// Publish implements stream.Publisher.
func (s *Service) Publish(_ context.Context, events []stream.Event) ([]error, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, events...)
	return make([]error, len(events)), nil
}

// AddPeople stores accounts in the copy.
func (s *Service) AddPeople(t *testing.T, all ...*eventv1.AccountApproved) {
	t.Helper()
	for _, p := range all {
		s.Handle(t, people.Approved, p, people.Store)
	}
}

// Handle handles an event with some data in a transaction, as a consumer does.
func (s *Service) Handle(t *testing.T, kind string, data proto.Message, handle func(context.Context, *database.Tx, stream.Event) error) {
	t.Helper()
	text, err := protojson.Marshal(data)
	kittest.NoError(t, err)
	kittest.NoError(t, s.DB.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return handle(ctx, tx, stream.Event{Type: kind, Data: text})
	}))
}

// Wait waits until n events of a type are published, and returns their data.
func Wait[M any, P interface {
	*M
	proto.Message
}](t *testing.T, s *Service, kind string, n int) []P {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		s.mu.Lock()
		all := slices.Clone(s.events)
		s.mu.Unlock()
		if all = slices.DeleteFunc(all, func(e stream.Event) bool { return e.Type != kind }); len(all) < n {
			continue
		}
		out := make([]P, len(all))
		for i, e := range all {
			out[i] = new(M)
			kittest.NoError(t, protojson.Unmarshal(e.Data, out[i]))
		}
		return out
	}
	t.Fatalf("fewer than %d events %s", n, kind)
	return nil
}

// As returns the context of a call by a person with some roles.
func As(t *testing.T, account string, roles ...string) context.Context {
	t.Helper()
	return auth.WithCaller(t.Context(), auth.Caller{ID: "oidc:" + account, Nickname: account, Roles: append([]string{"user"}, roles...)})
}

// A Page is a response with a page of a list.
type Page interface{ GetNextPageToken() string }

// All returns the entries of all pages.
func All[P Page, T any](t *testing.T, list func(token string) (P, error), entries func(P) []T) (all []T) {
	t.Helper()
	for token := ""; ; {
		page, err := list(token)
		kittest.NoError(t, err)
		all = append(all, entries(page)...)
		if token = page.GetNextPageToken(); token == "" {
			return all
		}
	}
}
