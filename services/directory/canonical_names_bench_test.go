package directory_test

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/bongsu-project/bongsu/services/directory"
)

// BenchmarkCanonicalizeNames checks the names of 100,000 users, as each start does.
func BenchmarkCanonicalizeNames(b *testing.B) {
	store, key := openDirectory(b)
	var all directory.Snapshot
	for i := range 100_000 {
		all.Users = append(all.Users, directory.User{Nickname: fmt.Sprint("사용자 ", i)})
	}
	_, err := store.Fill(b.Context(), all)
	must(b, err)
	for b.Loop() {
		must(b, directory.CanonicalizeNames(b.Context(), store, key, slog.New(slog.DiscardHandler)))
	}
}
