package intake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	secretA = "aaaaaaaaaaaaaaaa"
	secretB = "bbbbbbbbbbbbbbbb"
)

// hmacOf returns the HMAC-SHA256 of text in hexadecimal.
func hmacOf(secret, text string) string {
	sum := hmac.New(sha256.New, []byte(secret))
	sum.Write([]byte(text))
	return hex.EncodeToString(sum.Sum(nil))
}

func TestSignature(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secrets")
	if err := os.WriteFile(file, []byte(secretA+"\n"+secretB+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const body = `{"a":1}`
	now := time.Unix(1_790_000_000, 0)
	plain, two := SignatureConfig{Secret: secretA}, SignatureConfig{SecretFile: file}
	timed := SignatureConfig{Secret: secretA, Header: "X-Sign", TimestampHeader: "X-Time"}
	for name, c := range map[string]struct {
		config SignatureConfig
		source string
		header map[string]string
		err    string // empty if the request is accepted
	}{
		"valid":                      {plain, "x", map[string]string{"X-Hub-Signature-256": "sha256=" + hmacOf(secretA, body)}, ""},
		"valid, without prefix":      {plain, "x", map[string]string{"X-Hub-Signature-256": hmacOf(secretA, body)}, ""},
		"valid, upper case":          {plain, "x", map[string]string{"X-Hub-Signature-256": strings.ToUpper(hmacOf(secretA, body))}, ""},
		"header of Grafana":          {plain, "grafana", map[string]string{"X-Grafana-Alerting-Signature": hmacOf(secretA, body)}, ""},
		"first secret of a file":     {two, "x", map[string]string{"X-Hub-Signature-256": hmacOf(secretA, body)}, ""},
		"second secret of a file":    {two, "x", map[string]string{"X-Hub-Signature-256": hmacOf(secretB, body)}, ""},
		"other secret":               {plain, "x", map[string]string{"X-Hub-Signature-256": hmacOf(secretB, body)}, "invalid signature"},
		"other body":                 {plain, "x", map[string]string{"X-Hub-Signature-256": hmacOf(secretA, body+" ")}, "invalid signature"},
		"cut":                        {plain, "x", map[string]string{"X-Hub-Signature-256": hmacOf(secretA, body)[:62]}, "invalid signature"},
		"prefix alone":               {plain, "x", map[string]string{"X-Hub-Signature-256": "sha256="}, "invalid signature"},
		"no hexadecimal":             {plain, "x", map[string]string{"X-Hub-Signature-256": "sha256=zz"}, "invalid signature"},
		"none":                       {plain, "x", nil, "missing signature: send one as X-Hub-Signature-256"},
		"in another header":          {plain, "x", map[string]string{"X-Grafana-Alerting-Signature": hmacOf(secretA, body)}, "missing signature"},
		"timed":                      {timed, "x", map[string]string{"X-Sign": hmacOf(secretA, "1790000000:"+body), "X-Time": "1790000000"}, ""},
		"timed, 5 minutes ago":       {timed, "x", map[string]string{"X-Sign": hmacOf(secretA, "1789999700:"+body), "X-Time": "1789999700"}, ""},
		"timed, older":               {timed, "x", map[string]string{"X-Sign": hmacOf(secretA, "1789999699:"+body), "X-Time": "1789999699"}, "time of the signature"},
		"timed, in the future":       {timed, "x", map[string]string{"X-Sign": hmacOf(secretA, "1790000301:"+body), "X-Time": "1790000301"}, "time of the signature"},
		"timed, far in the future":   {timed, "x", map[string]string{"X-Sign": hmacOf(secretA, "9223372036854775807:"+body), "X-Time": "9223372036854775807"}, "time of the signature"},
		"timed, far in the past":     {timed, "x", map[string]string{"X-Sign": hmacOf(secretA, "-9223372036854775808:"+body), "X-Time": "-9223372036854775808"}, "time of the signature"},
		"timed, without a time":      {timed, "x", map[string]string{"X-Sign": hmacOf(secretA, ":"+body)}, "time of the signature"},
		"timed, another time":        {timed, "x", map[string]string{"X-Sign": hmacOf(secretA, "1790000000:"+body), "X-Time": "1790000001"}, "invalid signature"},
		"timed, the body is signed":  {timed, "x", map[string]string{"X-Sign": hmacOf(secretA, body), "X-Time": "1790000000"}, "invalid signature"},
		"untimed, a time is ignored": {plain, "x", map[string]string{"X-Hub-Signature-256": hmacOf(secretA, body), "X-Time": "1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			signature, err := c.config.parse(c.source)
			if err != nil {
				t.Fatal(err)
			}
			header := http.Header{}
			for key, value := range c.header {
				header.Set(key, value)
			}
			switch err := signature.Verify(header, []byte(body), now); {
			case c.err == "" && err != nil:
				t.Error(err)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Errorf("error is %v, want %q", err, c.err)
			}
		})
	}
	signature, err := plain.parse("x")
	if err != nil {
		t.Fatal(err)
	}
	if err := signature.Verify(http.Header{"X-Hub-Signature-256": {hmacOf(secretA, body), hmacOf(secretA, body)}}, []byte(body), now); err == nil {
		t.Error("two signatures are accepted")
	}
}

func TestSignatureConfig(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		yaml, err string
	}{
		"secret":          {"deploys: {template: {message: x}, signature: {secret: " + secretA + "}}", ""},
		"of a built-in":   {"alertmanager: {signature: {secret: " + secretA + "}}", ""},
		"secret file":     {"grafana: {signature: {secret-file: " + file("a", secretA) + "}}", ""},
		"short":           {"grafana: {signature: {secret: short}}", "source grafana has less than 16 bytes"},
		"short, of two":   {"grafana: {signature: {secret-file: " + file("b", secretA+"\nshort") + "}}", "less than 16 bytes"},
		"no secret":       {"grafana: {signature: {header: X-Sign}}", "either secret or secret-file"},
		"both":            {"grafana: {signature: {secret: " + secretA + ", secret-file: a}}", "either secret or secret-file"},
		"empty file":      {"grafana: {signature: {secret-file: " + file("c", "\n") + "}}", "is empty"},
		"no file":         {"grafana: {signature: {secret-file: " + filepath.Join(folder, "none") + "}}", "secret-file of source grafana"},
		"misspelt":        {"grafana: {signature: {secrets: x}}", "secrets"},
		"empty signature": {"grafana: {signature: {}}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := ReadConfig(file("intake.yaml", c.yaml))
			switch {
			case c.err != "":
				if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "short\n") {
					t.Errorf("error is %v, want %q", err, c.err)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			sources, err := config.Sources()
			if err != nil {
				t.Fatal(err)
			}
			for source := range config {
				if signed := sources[source].Signature != nil; signed != (name != "empty signature") {
					t.Errorf("source %s: signed is %v", source, signed)
				}
			}
		})
	}
}

// FuzzSignature checks that only the signature of the body is accepted.
func FuzzSignature(f *testing.F) {
	signature, err := SignatureConfig{Secret: secretA, TimestampHeader: "X-Time"}.parse("x")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("sha256="+hmacOf(secretA, "100:body"), "100", []byte("body"))
	f.Add("", "", []byte(nil))
	f.Fuzz(func(t *testing.T, value, timestamp string, body []byte) {
		header := http.Header{"X-Hub-Signature-256": {value}, "X-Time": {timestamp}}
		if signature.Verify(header, body, time.Unix(100, 0)) == nil && !strings.EqualFold(strings.TrimPrefix(value, "sha256="), hmacOf(secretA, timestamp+":"+string(body))) {
			t.Errorf("%q is accepted for %q and %q", value, timestamp, body)
		}
	})
}
