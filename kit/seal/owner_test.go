package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/bongsu-project/bongsu/kit/seal"
)

// TestSealForOwner proves that a secret does not open for another owner.
func TestSealForOwner(t *testing.T) {
	key := read(t, newKeyFile(t))
	of := seal.Owner{Name: "kim", Service: "slack", Address: "C1"}
	sealed, err := key.SealForOwner("xoxb-1", of)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := key.OpenForOwner(sealed, of); err != nil || got != "xoxb-1" {
		t.Errorf("opened as %q, %v", got, err)
	}
	if id, ok := seal.KeyIDOf(sealed); !ok || id != key.Primary() || !bytes.HasPrefix(sealed, id.Prefix()) || !seal.IsSealedForOwner(sealed) {
		t.Errorf("it begins with %x, and the key is %s", sealed[:seal.PrefixSize], key.Primary())
	}
	for _, other := range []seal.Owner{
		{Name: "lee", Service: "slack", Address: "C1"},
		{Name: "kim", Service: "slack", Address: "C2"},
		{Name: "kim", Service: "ntfy", Address: "C1"},
		{Name: "kimC", Service: "slack", Address: "1"},
		{Name: "kim", Service: "slac", Address: "kC1"},
		{Service: "slack", Address: "C1"},
		{},
	} {
		if got, err := key.OpenForOwner(sealed, other); err == nil || got != "" {
			t.Errorf("opened for %+v as %q, %v", other, got, err)
		}
	}
	if _, err := key.OpenForOwner(sealed, seal.Owner{Service: "slack", Address: "C1"}); !errors.Is(err, seal.ErrUnknownOwner) {
		t.Errorf("without a name: %v", err)
	}
	// A forged version byte of the older format does not help.
	as := bytes.Clone(sealed)
	as[0] = 1
	for _, purpose := range []string{"slack", "", "address\x00"} {
		if got, err := key.Open(as, purpose); err == nil {
			t.Errorf("opened for the purpose %q as %q", purpose, got)
		}
	}
	if got, err := key.OpenForOwner(as, of); err == nil {
		t.Errorf("opened as an old one: %q", got)
	}
}

// TestOpenForOwnerOfPurpose proves that a secret sealed for a purpose opens for the owners
// with that service, and for no other.
func TestOpenForOwnerOfPurpose(t *testing.T) {
	key := read(t, newKeyFile(t))
	old := sealed(t, key, "xoxb-1") // for slack
	if got, err := key.OpenForOwner(old, seal.Owner{Name: "kim", Service: "slack", Address: "C1"}); err != nil || got != "xoxb-1" {
		t.Errorf("opened as %q, %v", got, err)
	}
	if _, err := key.OpenForOwner(old, seal.Owner{Name: "kim", Service: "ntfy", Address: "C1"}); err == nil {
		t.Error("opened for another service")
	}
	old[0] = 2
	if _, err := key.OpenForOwner(old, seal.Owner{Name: "kim", Service: "slack", Address: "C1"}); err == nil {
		t.Error("opened as one of an owner")
	}
	for _, bad := range [][]byte{nil, {}, {2}, {2, 0, 0, 0, 0}, {1}} {
		if _, err := key.OpenForOwner(bad, seal.Owner{Name: "kim"}); err == nil {
			t.Errorf("opened %x", bad)
		}
	}
}
