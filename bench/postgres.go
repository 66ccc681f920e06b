package main

import (
	"errors"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
)

// postgres measures deliveries on PostgreSQL, over a socket and with fsync, as a share
// of those on SQLite, for alerts to a hundred users and to one.
func postgres(s *scene) {
	in, found := s.onPostgres()
	if !found {
		return
	}
	for _, width := range []int{100, 1} {
		perSecond := func(in databases) float64 {
			b := s.bongsu(in)
			got := s.deliver(b, width)
			s.must(b.Stop(s))
			return got.perSecond()
		}
		var there float64
		here := beside(func() float64 { return perSecond(s.files()) }, func() { there = perSecond(in) })
		s.add(figure.Figure{Name: name("postgres/deliver", width), Unit: "deliveries/s", Value: there, Of: "SQLite's", Whole: here})
	}
}

// onPostgres returns new databases that exist during the scenario; found is false if
// PostgreSQL is not installed, which is noted.
func (s *scene) onPostgres() (in databases, found bool) {
	server, err := s.server()
	if errors.Is(err, postgrestest.ErrNone) {
		s.leaveOut("PostgreSQL", err.Error())
		return in, false
	}
	s.must(err)
	for _, url := range []*string{&in.directory, &in.ledger} {
		*url, err = server.CreateDatabase(s.ctx)
		s.must(err)
		s.Cleanup(func() { s.warn(server.DropDatabase(s.ctx, *url)) })
	}
	l := s.open(in.ledger)
	var fsync string
	s.must(l.db.QueryRowContext(s.ctx, `SHOW fsync`).Scan(&fsync))
	if fsync != "on" {
		s.Fatalf("the PostgreSQL of %s must have fsync=on, not %s", testenv.Postgres, fsync)
	}
	return in, true
}
