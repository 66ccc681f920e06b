package acklink

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"
)

var now = time.Unix(1_796_000_000, 0)

func testKeys(keys ...string) Keys {
	var all Keys
	for _, k := range keys {
		all = append(all, []byte(strings.Repeat(k, minKeyLen)))
	}
	return all
}

func TestToken(t *testing.T) {
	for _, want := range []Claim{
		{227894805024210945, "kim", now.Add(Validity)},
		{1, "김 철수", now.Add(time.Second)},
		{1<<63 - 1, "", now.Add(time.Hour)},
	} {
		url := testKeys("a").URL("https://bongsu.example.com", want)
		token, ok := strings.CutPrefix(url, "https://bongsu.example.com/ack/")
		if !ok || len(token) > 60+2*len(want.Nickname) {
			t.Fatal(url)
		}
		for name, keys := range map[string]Keys{"the key": testKeys("a"), "an older key": testKeys("b", "a")} {
			got, err := keys.Parse(token, now)
			if err != nil || got.Incident != want.Incident || got.Nickname != want.Nickname || !got.Expire.Equal(want.Expire) {
				t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	claim := Claim{7, "kim", now.Add(time.Hour)}
	token := testKeys("a").token(claim)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw { // each changed bit
		for bit := range 8 {
			changed := append([]byte{}, raw...)
			changed[i] ^= 1 << bit
			if c, err := testKeys("a").Parse(base64.RawURLEncoding.EncodeToString(changed), now); !errors.Is(err, ErrInvalid) {
				t.Fatalf("byte %d: %+v, %v", i, c, err)
			}
		}
	}
	signed := func(text ...byte) string {
		return base64.RawURLEncoding.EncodeToString(append(text, mac(testKeys("a")[0], text)...))
	}
	for name, text := range map[string]string{
		"empty": "", "short": token[:20], "longer": token + "A", "padded": token + "=", "another alphabet": strings.Repeat("+", len(token)),
		"another version": signed(2, 1, 1), "no time": signed(version), "no incident": signed(version, 1), "an endless number": signed(version, 0xff, 0xff),
	} {
		if c, err := testKeys("a").Parse(text, now); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if c, err := testKeys("b").Parse(token, now); !errors.Is(err, ErrInvalid) {
		t.Errorf("another key: %+v, %v", c, err)
	}
	if _, err := testKeys("a").Parse(token, now.Add(time.Hour-1)); err != nil {
		t.Errorf("just valid: %v", err)
	}
	if c, err := testKeys("a").Parse(token, now.Add(time.Hour)); !errors.Is(err, ErrExpired) || c.Incident != 7 {
		t.Errorf("just expired: %+v, %v", c, err)
	}
}

func TestParseKeys(t *testing.T) {
	long := strings.Repeat("k", minKeyLen)
	for text, want := range map[string]string{
		long: "", "# signs\n" + long + "\n\n" + long + "2\r\n": "",
		"":               "no key",
		"# x\n":          "no key",
		long[1:]:         "line 1 has 31 characters",
		long + "\nshort": "line 2 has 5 characters",
	} {
		keys, err := ParseKeys([]byte(text))
		switch {
		case want == "" && (err != nil || len(keys) != strings.Count(text, long) || string(keys[0]) != long):
			t.Errorf("%q: %q, %v", text, keys, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %s", text, err, want)
		case err != nil && strings.Contains(err.Error(), "short\n"):
			t.Error("the error has a key")
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(testKeys("a").token(Claim{7, "kim", now}))
	f.Fuzz(func(t *testing.T, token string) {
		if c, err := testKeys("b").Parse(token, now); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v, %v", c, err)
		}
	})
}
