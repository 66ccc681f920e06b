package seal_test

import (
	"path/filepath"
	"testing"

	"github.com/bongsu-project/bongsu/kit/seal"
)

// BenchmarkSeal measures opening and sealing, for a purpose and for an owner.
func BenchmarkSeal(b *testing.B) {
	path := filepath.Join(b.TempDir(), "seal.key")
	if err := library.CreateKeyFile(path); err != nil {
		b.Fatal(err)
	}
	key, err := library.ReadKeyFile(path)
	if err != nil {
		b.Fatal(err)
	}
	const secret = "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcBrzbqgy"
	sealed, err := key.Seal(secret, "slack")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if opened, err := key.Open(sealed, "slack"); err != nil || opened != secret {
				b.Fatal(err)
			}
		}
	})
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := key.Seal(secret, "slack"); err != nil {
				b.Fatal(err)
			}
		}
	})
	of := seal.Owner{Name: "user1", Service: "slack", Address: "USER1_CHANNEL_ID"}
	own, err := key.SealForOwner(secret, of)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("open for an owner", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if opened, err := key.OpenForOwner(own, of); err != nil || opened != secret {
				b.Fatal(err)
			}
		}
	})
	b.Run("seal for an owner", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := key.SealForOwner(secret, of); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("fingerprint", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if key.Fingerprint("slack", secret) == "" {
				b.Fatal("it is empty")
			}
		}
	})
}
