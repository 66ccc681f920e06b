package auth_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/kit/auth"
)

func TestNewKey(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		id, key, hash, err := auth.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		gotID, secret, ok := auth.ParseKey(key)
		if !ok || gotID != id || key != "bgs_"+id+"_"+secret {
			t.Fatalf("ParseKey of a new key with id %s: %s, %v", id, gotID, ok)
		}
		if !bytes.Equal(auth.HashSecret(secret), hash) || len(hash) != 32 {
			t.Fatal("the hash is not that of the secret")
		}
		if len(secret) != 52 || len(id) != 16 || seen[id] || seen[secret] {
			t.Fatalf("id of %d, secret of %d characters, or repeated", len(id), len(secret))
		}
		seen[id], seen[secret] = true, true
	}
}

var secret = strings.Repeat("a2", 26)

func TestParseKey(t *testing.T) {
	for text, want := range map[string]bool{
		"bgs_id_" + secret: true,
		"bgs_" + strings.Repeat("a", 40) + "_" + secret: true,
		"bgs_" + strings.Repeat("a", 41) + "_" + secret: false,
		"bgs__" + secret:             false,
		"bgs_id_" + secret[1:]:       false,
		"bgs_id_" + secret + "a":     false,
		"bgs_id_" + secret[1:] + "A": false,
		"bgs_id_" + secret[1:] + "_": false,
		"bgs_id_" + secret[1:] + "1": false,
		"bgs_ID_" + secret:           false,
		"BGS_id_" + secret:           false,
		" bgs_id_" + secret:          false,
		"bgs_id_" + secret + "\n":    false,
		"bgs_id" + secret:            false,
		"bgs_":                       false,
		"":                           false,
		"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJraW0ifQ.c2lnbg": false,
	} {
		if id, got, ok := auth.ParseKey(text); ok != want || ok && "bgs_"+id+"_"+got != text {
			t.Errorf("ParseKey(%q): %v, want %v", text, ok, want)
		}
	}
}

// FuzzParseKey checks that a parsed key is the text that was parsed.
func FuzzParseKey(f *testing.F) {
	f.Add("bgs_id_" + secret)
	f.Add("bgs__" + secret)
	f.Add("bgs_id__" + secret[1:])
	f.Fuzz(func(t *testing.T, text string) {
		id, secret, ok := auth.ParseKey(text)
		if !ok && (id != "" || secret != "") {
			t.Errorf("%q is no key, but has the id %q", text, id)
		}
		if ok && ("bgs_"+id+"_"+secret != text || id == "" || len(secret) != 52) {
			t.Errorf("%q has the id %q and the secret %q", text, id, secret)
		}
	})
}
