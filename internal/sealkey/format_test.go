package sealkey_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/seal"
)

// TestStoredFile checks that a file of an earlier version opens what it sealed, and that its
// fingerprints are the same.
func TestStoredFile(t *testing.T) {
	text, err := os.ReadFile("testdata/seal.key")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := sealkey.Format.ParseKeyring(string(text), "testdata/seal.key")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := hex.DecodeString("02cef11582714fc99d4c9f8dc6e289449a442bea4117b12c32b142bf3b2bcffb11cb9c0545a2")
	if err != nil {
		t.Fatal(err)
	}
	if secret, err := keys.OpenForOwner(sealed, seal.Owner{Name: "kim", Service: "slack", Address: "C123"}); err != nil || secret != "token" {
		t.Errorf("opened %q, %v", secret, err)
	}
	if got := keys.Fingerprint("slack", "token"); got != "20b8f767f89a4c67160d93b15620f4eb" {
		t.Errorf("fingerprint %s", got)
	}

	var file struct {
		Keyset json.RawMessage `json:"keyset"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	alone, err := sealkey.Format.ParseKeyring(string(file.Keyset), "the keyset alone")
	if err != nil {
		t.Fatal(err)
	}
	if got := alone.Fingerprint("slack", "token"); got != "7e49276fcbc1592883d0fd9489e545cd" {
		t.Errorf("fingerprint of a keyset alone: %s", got)
	}
}

// TestWrittenFile checks that a rewritten file has the fields of the stored one in their order.
func TestWrittenFile(t *testing.T) {
	text, err := os.ReadFile("testdata/seal.key")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "seal.key")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sealkey.Format.RotateKeyFile(path, time.Now()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, _, ok := bytes.Cut(text, []byte(`"made":"2026-11-29T03:03:38Z"`))
	if !ok || !bytes.HasPrefix(got, want) || !bytes.HasSuffix(got, []byte("}}\n")) {
		t.Errorf("%s\nwant a file that begins with\n%s", got, want)
	}
	if _, err := sealkey.Format.ParseKeyring("{}", "x"); err == nil || !strings.Contains(err.Error(), "`bongsu seal-key make`") {
		t.Errorf("error %v", err)
	}
}
