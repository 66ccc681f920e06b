package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/directory"
	"github.com/bongsu-project/bongsu/services/directory/store"
)

// BenchmarkChange adds 100,000 users, replaces the credential of each, and deletes
// them.
func BenchmarkChange(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkChange(b, open(b, filepath.Join(b.TempDir(), "directory.db"))) })
	b.Run("postgres", func(b *testing.B) { benchmarkChange(b, open(b, postgrestest.URL(b))) })
}

func benchmarkChange(b *testing.B, s *store.Store) {
	steps := map[string]func(have directory.Snapshot) (c directory.Changes, err error){
		"1-add-s": func(directory.Snapshot) (c directory.Changes, err error) {
			for i := range 100_000 {
				c.AddUsers = append(c.AddUsers, directory.User{Nickname: fmt.Sprint("user", i), Addresses: []directory.Address{{
					Messenger: "slack", SealedCredential: make([]byte, 80), Destination: "C1",
				}}})
			}
			return c, nil
		},
		"2-set-s": func(have directory.Snapshot) (c directory.Changes, err error) {
			for _, u := range have.Users {
				a := u.Addresses[0]
				a.SealedCredential = make([]byte, 90)
				c.SetAddresses = append(c.SetAddresses, a)
			}
			return c, nil
		},
		"3-delete-s": func(have directory.Snapshot) (c directory.Changes, err error) {
			for _, u := range have.Users {
				c.DeleteUsers = append(c.DeleteUsers, u.Nickname)
			}
			return c, nil
		},
	}
	for b.Loop() {
		for _, step := range []string{"1-add-s", "2-set-s", "3-delete-s"} {
			start := time.Now()
			if err := s.Apply(b.Context(), steps[step]); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(time.Since(start).Seconds(), step)
		}
	}
}
