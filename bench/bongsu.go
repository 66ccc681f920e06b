package main

import (
	"path/filepath"
	"slices"

	"github.com/bongsu-project/bongsu/test/proc"
)

// unlimited is the only non-default configuration, beside --address-limit=off and -auth: it
// raises the rate limits of providers to the maximum, because they would be all that is
// measured.
var unlimited = []string{"--credential-limit=100000/s", "--destination-limit=100000/s"}

// A bongsu is a running Bongsu, or its services that accept alerts.
type bongsu struct {
	*proc.Process
	endpoint        // where alerts are sent, with the key of a sender
	admin    string // API key of the administrator; empty for none
	data     string // the data folder
	ledger   *ledger
}

// asAdmin returns the endpoint with the key of the administrator.
func (b *bongsu) asAdmin() endpoint { return endpoint{b.url, b.admin} }

// databases holds the URLs of the databases of a Bongsu.
type databases struct{ directory, ledger string }

// files returns SQLite databases in a new folder.
func (s *scene) files() databases {
	dir := s.folder()
	return databases{filepath.Join(dir, "directory.db"), filepath.Join(dir, "ledger.db")}
}

// auth returns the flag --auth of Bongsu.
func (s *scene) auth() string {
	if s.Auth {
		return requireKeys
	}
	return noKeys
}

// launch runs all of Bongsu in one process on databases, without a key for senders. more are
// flags that take precedence.
func (s *scene) launch(in databases, more ...string) *bongsu {
	data := s.folder()
	args := slices.Concat(unlimited, []string{
		s.auth(), "--data=" + data, "--seal-key-file=" + s.key, "--provider-url=" + s.fake.URL, "--edge-addr=127.0.0.1:0",
		"--directory-url=" + in.directory, "--ledger-url=" + in.ledger,
	}, more)
	p := s.binaries.Serve(s, args...)
	return &bongsu{Process: p, endpoint: endpoint{url: p.URLs(s, 1)["edge"]}, data: data, ledger: s.open(in.ledger)}
}

// serve is launch with a key for senders, without importing users.
func (s *scene) serve(in databases, more ...string) *bongsu {
	b := s.launch(in, more...)
	if s.Auth {
		s.createKeys(b)
	}
	return b
}

// bongsu runs all of Bongsu in one process, with users.
func (s *scene) bongsu(in databases, more ...string) *bongsu {
	b := s.serve(in, more...)
	s.settle(b.asAdmin(), people, widths...)
	return b
}
