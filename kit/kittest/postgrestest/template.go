package postgrestest

import (
	"context"
	"io"
	"sync"
	"testing"
)

// Template creates databases that are copies of one, which is faster than to migrate each to
// the version of the schema.
type Template struct {
	// Fill fills the template database. It is called once, and must leave no
	// connection open.
	Fill func(ctx context.Context, url string) error

	once sync.Once
	url  string
	err  error
}

// Opening returns a Template.Fill that opens a store and closes it: that migrates its database.
func Opening[S io.Closer](open func(ctx context.Context, url string) (S, error)) func(ctx context.Context, url string) error {
	return func(ctx context.Context, url string) error {
		s, err := open(ctx, url)
		if err != nil {
			return err
		}
		return s.Close()
	}
}

// URL returns the URL of a new copy, which is dropped when the test ends. The test is skipped
// without PostgreSQL.
func (m *Template) URL(t testing.TB) string {
	t.Helper()
	s := requireServer(t)
	m.once.Do(func() {
		if m.url, m.err = s.CreateDatabase(context.Background()); m.err != nil {
			return
		}
		testServer.dropLater(m.url)
		m.err = m.Fill(context.Background(), m.url)
	})
	if m.err != nil {
		t.Fatal(m.err)
	}
	return newDatabase(t, s, m.url)
}
