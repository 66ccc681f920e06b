package discovery

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

func TestValidate(t *testing.T) {
	valid := Instance{
		ID: "shelf-1_A", Name: "book-loan", URL: "https://[2001:db8::7]:18082", Services: []string{"library.v1.BookService", "Plain"},
		Version: "v1.2.3", Host: "선반", Start: time.Unix(1, 0),
	}
	kittest.NoError(t, valid.Validate())
	for name, spoil := range map[string]func(*Instance){
		"id is missing":                 func(i *Instance) { i.ID = "" },
		"id with a dot":                 func(i *Instance) { i.ID = "a.b" },
		"id with a wildcard":            func(i *Instance) { i.ID = "*" },
		"id with a line break":          func(i *Instance) { i.ID = "a\n" },
		"id too long":                   func(i *Instance) { i.ID = strings.Repeat("a", 129) },
		"name with capitals":            func(i *Instance) { i.Name = "Book" },
		"name too long":                 func(i *Instance) { i.Name = strings.Repeat("a", 64) },
		"URL is missing":                func(i *Instance) { i.URL = "" },
		"URL without scheme":            func(i *Instance) { i.URL = "10.0.0.7:80" },
		"URL of another scheme":         func(i *Instance) { i.URL = "ftp://10.0.0.7" },
		"URL with a password":           func(i *Instance) { i.URL = "http://me:secret@10.0.0.7" },
		"URL with a user":               func(i *Instance) { i.URL = "http://me@10.0.0.7" },
		"URL without host":              func(i *Instance) { i.URL = "http://:80" },
		"URL with a slash at the end":   func(i *Instance) { i.URL = "http://10.0.0.7/" },
		"URL with a path":               func(i *Instance) { i.URL = "http://10.0.0.7/v1" },
		"URL with a query":              func(i *Instance) { i.URL = "http://10.0.0.7?key=1" },
		"URL with a fragment":           func(i *Instance) { i.URL = "http://10.0.0.7#a" },
		"URL with port 0":               func(i *Instance) { i.URL = "http://10.0.0.7:0" },
		"URL with a port that is large": func(i *Instance) { i.URL = "http://10.0.0.7:65536" },
		"URL too long":                  func(i *Instance) { i.URL = "http://" + strings.Repeat("a", 512) },
		"service with a slash":          func(i *Instance) { i.Services = []string{"library.v1.BookService/Get"} },
		"service is empty":              func(i *Instance) { i.Services = []string{""} },
		"too many services":             func(i *Instance) { i.Services = make([]string, 257) },
		"version with an escape":        func(i *Instance) { i.Version = "\x1b[2J" },
		"host is not UTF-8":             func(i *Instance) { i.Host = "\xff" },
		"reason too long":               func(i *Instance) { i.Reason = strings.Repeat("a", 256) },
		"state is unknown":              func(i *Instance) { i.State = -1 },
	} {
		instance := valid
		spoil(&instance)
		if err := instance.Validate(); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("%s: got %v, want %v", name, err, fault.ErrInvalid)
		}
	}
}

func TestNewID(t *testing.T) {
	for _, host := range []string{"", "shelf", "shelf.example.com", "선반", "--", "a b\n", strings.Repeat("long.", 60)} {
		for _, name := range []string{"edge", strings.Repeat("n", 63)} {
			instance := Instance{ID: NewID(host, name), Name: name, URL: "http://10.0.0.7:80"}
			if err := instance.Validate(); err != nil {
				t.Errorf("NewID(%q, %q) is %q: %v", host, name, instance.ID, err)
			}
			if !strings.HasSuffix(instance.ID, "-"+name) && instance.ID != name {
				t.Errorf("NewID(%q, %q) is %q, want the name at the end", host, name, instance.ID)
			}
			if NewID(host, name) == instance.ID {
				t.Errorf("NewID(%q, %q) is %q twice", host, name, instance.ID)
			}
		}
	}
}

func TestReasonIsCleaned(t *testing.T) {
	for reason, want := range map[string]string{
		"timeout":                 "timeout",
		"two\nlines\x1b[2J":       "two lines [2J",
		"not \xff UTF-8":          "not ? UTF-8",
		strings.Repeat("é", 200):  strings.Repeat("é", 127),
		strings.Repeat("a", 1000): strings.Repeat("a", 255),
	} {
		if got := cleanReason(reason); got != want {
			t.Errorf("got %q of %q, want %q", got, reason, want)
		}
	}
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add("instances.one", []byte(`{"id":"one","name":"library","url":"http://10.0.0.7:80","services":["library.v1.BookService"],"state":"INSTANCE_STATE_SERVING","startTime":"2026-11-29T12:00:00Z"}`))
	f.Add("failing.one.REPORTER", []byte(`{"id":"one","state":"INSTANCE_STATE_FAILING","reason":"timeout"}`))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		decoded, err := decodeRecord(key, value)
		if err != nil {
			return
		}
		var again []byte
		if decoded.reporter == "" {
			kittest.NoError(t, decoded.instance.Validate())
			if key != instanceKey(decoded.instance.ID) {
				t.Errorf("key %q holds instance %q", key, decoded.instance.ID)
			}
			again, err = encodeInstance(decoded.instance)
		} else {
			if key != failingKey(decoded.instance.ID, decoded.reporter) {
				t.Errorf("key %q holds the report of %q about %q", key, decoded.reporter, decoded.instance.ID)
			}
			if !isPlainText(decoded.instance.Reason) {
				t.Errorf("reason %q is not plain text", decoded.instance.Reason)
			}
			again, err = encodeReport(decoded.instance.ID, decoded.instance.Reason)
		}
		kittest.NoError(t, err)
		same, err := decodeRecord(key, again)
		kittest.NoError(t, err)
		if !same.instance.equal(decoded.instance) || same.reporter != decoded.reporter {
			t.Errorf("got %+v, want %+v", same, decoded)
		}
	})
}
