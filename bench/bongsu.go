package main

import (
	"path/filepath"
	"slices"

	"github.com/bongsu-project/bongsu/test/proc"
)

// unlimited is the only non-default configuration, beside --address-limit=off: it raises the
// rate limits of providers to the maximum, because they would be all that is measured.
var unlimited = []string{"--credential-limit=100000/s", "--destination-limit=100000/s"}

// A bongsu is a running Bongsu, or its services that accept alerts.
type bongsu struct {
	*proc.Process
	url    string // where alerts are sent
	ledger *ledger
}

// databases holds the URLs of the databases of a Bongsu.
type databases struct{ directory, ledger string }

// files returns SQLite databases in a new folder.
func (s *scene) files() databases {
	dir := s.folder()
	return databases{filepath.Join(dir, "directory.db"), filepath.Join(dir, "ledger.db")}
}

// serve runs all of Bongsu in one process on databases, without importing users. more
// are flags that take precedence.
func (s *scene) serve(in databases, more ...string) *bongsu {
	args := slices.Concat(unlimited, []string{
		"--data=" + s.folder(), "--seal-key-file=" + s.key, "--provider-url=" + s.fake.URL, "--edge-addr=127.0.0.1:0",
		"--directory-url=" + in.directory, "--ledger-url=" + in.ledger,
	}, more)
	p := s.binaries.Serve(s, args...)
	return &bongsu{Process: p, url: p.URLs(s, 1)["edge"], ledger: s.open(in.ledger)}
}

// bongsu runs all of Bongsu in one process, with users.
func (s *scene) bongsu(in databases, more ...string) *bongsu {
	b := s.serve(in, more...)
	s.settle(b.url, people, widths...)
	return b
}
