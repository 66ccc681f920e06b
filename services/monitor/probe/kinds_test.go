package probe

import (
	"errors"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// samples holds a valid check of each kind with every field set.
var samples = []Check{
	&HTTP{
		URL: "https://example.com/health?a=b", Method: "POST", Headers: []Header{{"X-Key", "1"}, {"x-key", "2"}, {"Authorization", "3"}}, Body: "text", Status: []int32{200, 204},
		BodyPattern: "ok", BodyNotPattern: "error", JSONPath: "$.a", JSONValue: "1", Redirects: 3, MaxLatency: time.Second, SkipVerify: true,
	},
	&TCP{Address: "example.com:25", Send: "EHLO\r\n", Expect: "^220", TLS: true},
	&DNS{Server: "192.0.2.1:53", Name: "example.com", Type: "MX", Expect: "mx"},
	&ICMP{Host: "example.com", Count: 5},
	&GRPC{Address: "[2001:db8::1]:443", Service: "a.v1.B", TLS: true, SkipVerify: true},
	&TLS{Address: "example.com:443", ServerName: "www.example.com", Days: 30},
	&Host{DiskPath: "/var", DiskPercent: 90, DiskFreeBytes: 1 << 30, MemoryPercent: 80, CPUPercent: 70, Load: 2},
	&Process{Name: "nginx", Command: "worker", MinCount: 2, MaxMemoryBytes: 1 << 30},
	&NATS{URL: "nats://a:4222,tls://b", Servers: 3, Stream: "EVENTS", Consumer: "work", MaxLag: 100, Credentials: "creds"},
	&Postgres{
		URL: "postgres://me@db.example/app?sslmode=verify-full", Password: "secret", ConnectionsPercent: 80,
		ReplicationLag: time.Minute, TransactionAge: time.Hour, XIDPercent: 50,
	},
	&Instance{ID: "alert-1"},
	&System{Value: DiskUse, Limit: 90},
	&Heartbeat{Period: time.Hour, Grace: time.Minute, MaxRun: 2 * time.Hour},
}

// TestCodec verifies that each check is as it was after it was stored.
func TestCodec(t *testing.T) {
	seen := map[Kind]bool{}
	for _, c := range samples {
		seen[c.Kind()] = true
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", c.Kind(), err)
		}
		for v, i := reflect.ValueOf(c).Elem(), 0; i < v.NumField(); i++ {
			if v.Field(i).IsZero() {
				t.Errorf("%s: the sample has no %s", c.Kind(), v.Type().Field(i).Name)
			}
		}
		data, err := Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(c.Kind(), data)
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("%s: %+v, %v, want %+v", c.Kind(), got, err, c)
		}
	}
	for kind := range kinds {
		if !seen[kind] {
			t.Errorf("no sample of kind %s", kind)
		}
	}
}

func TestDecodeInvalid(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		data string
	}{{"smtp", "{}"}, {"", "{}"}, {KindTCP, ""}, {KindTCP, "[]"}, {KindTCP, "{} {}"}, {KindTCP, `{"address":1}`}} {
		if got, err := Decode(c.kind, []byte(c.data)); !errors.Is(err, fault.ErrInvalid) || got != nil {
			t.Errorf("%s %s: %v, %v", c.kind, c.data, got, err)
		}
	}
	if c, err := Decode(KindTCP, []byte(`{"address":"a:1","later":true}`)); err != nil || c.Destination() != "a:1" {
		t.Errorf("a field of a newer version: %v, %v", c, err)
	}
}

// TestSecrets verifies that the secrets of a check can be replaced by their names.
func TestSecrets(t *testing.T) {
	got := map[Kind]int{}
	for _, c := range samples {
		data, err := Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		clone, err := Decode(c.Kind(), data)
		if err != nil {
			t.Fatal(err)
		}
		for name, secret := range clone.Secrets() {
			if *secret == "" {
				t.Errorf("%s of %s is empty", name, c.Kind())
			}
			*secret = "sealed"
			got[c.Kind()]++
		}
		after, err := Encode(clone)
		if err != nil || strings.Count(string(after), "sealed") != got[c.Kind()] {
			t.Errorf("%s, %v: want %d secrets replaced", after, err, got[c.Kind()])
		}
	}
	if want := map[Kind]int{KindHTTP: 3, KindNATS: 1, KindPostgres: 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	names := samples[0].Secrets()
	for name, want := range map[string]string{"headers[X-Key]": "1", "headers[X-Key#2]": "2", "headers[Authorization]": "3"} {
		if names[name] == nil || *names[name] != want {
			t.Errorf("%s is %v, want %s", name, names[name], want)
		}
	}
}

// TestValidate verifies which field is named for settings that cannot be used.
func TestValidate(t *testing.T) {
	long := strings.Repeat("a", 254)
	for name, c := range map[string]struct {
		check Check
		field string
	}{
		"no URL":               {&HTTP{}, "url"},
		"relative URL":         {&HTTP{URL: "/a"}, "url"},
		"another scheme":       {&HTTP{URL: "ftp://example.com/"}, "url"},
		"opaque URL":           {&HTTP{URL: "http:example.com"}, "url"},
		"URL with credentials": {&HTTP{URL: "http://me:secret@example.com/"}, "url"},
		"URL with a zone":      {&HTTP{URL: "http://[fe80::1%25eth0]/"}, "url"},
		"URL with port 0":      {&HTTP{URL: "http://example.com:0/"}, "url"},
		"URL with a space":     {&HTTP{URL: "http://exa mple.com/"}, "url"},
		"header name":          {&HTTP{URL: "http://a", Headers: []Header{{"ok", ""}, {"a b", ""}}}, "headers[1].name"},
		"header of the client": {&HTTP{URL: "http://a", Headers: []Header{{"content-length", "1"}}}, "headers[0].name"},
		"header value":         {&HTTP{URL: "http://a", Headers: []Header{{"a", "b\r\nc: d"}}}, "headers[0].value"},
		"pattern":              {&HTTP{URL: "http://a", BodyPattern: "("}, "body_pattern"},
		"large pattern":        {&HTTP{URL: "http://a", BodyPattern: "(.{1000}){3}"}, "body_pattern"},
		"many large patterns":  {&HTTP{URL: "http://a", BodyNotPattern: strings.Repeat(".{900}", 3)}, "body_not_pattern"},
		"path":                 {&HTTP{URL: "http://a", JSONPath: "a.b"}, "json_path"},
		"value without path":   {&HTTP{URL: "http://a", JSONValue: "1"}, "json_value"},
		"redirects":            {&HTTP{URL: "http://a", Redirects: 11}, "redirects"},
		"latency":              {&HTTP{URL: "http://a", MaxLatency: -1}, "max_latency"},
		"no port":              {&TCP{Address: "example.com"}, "address"},
		"no host":              {&TCP{Address: ":25"}, "address"},
		"port 0":               {&TCP{Address: "a:0"}, "address"},
		"port name":            {&TCP{Address: "a:smtp"}, "address"},
		"host with a slash":    {&TCP{Address: "a/b:25"}, "address"},
		"long host":            {&TCP{Address: long + ":25"}, "address"},
		"zone":                 {&TCP{Address: "[fe80::1%eth0]:25"}, "address"},
		"expect":               {&TCP{Address: "a:25", Expect: "["}, "expect"},
		"server":               {&DNS{Server: "a", Name: "b"}, "server"},
		"no name":              {&DNS{}, "name"},
		"long label":           {&DNS{Name: strings.Repeat("a", 64) + ".example"}, "name"},
		"record type":          {&DNS{Name: "a", Type: "BOOK"}, "type"},
		"host":                 {&ICMP{Host: "-f"}, "host"},
		"count":                {&ICMP{Host: "a", Count: 11}, "count"},
		"skip without TLS":     {&GRPC{Address: "a:1", SkipVerify: true}, "skip_verify"},
		"server name":          {&TLS{Address: "a:1", ServerName: "a b"}, "server_name"},
		"days":                 {&TLS{Address: "a:1", Days: -1}, "days"},
		"no limit":             {&Host{DiskPath: "/"}, "disk_percent"},
		"percent":              {&Host{MemoryPercent: 101}, "memory_percent"},
		"any process":          {&Process{MinCount: 1}, "name"},
		"command":              {&Process{Command: "*"}, "command"},
		"NATS credentials":     {&NATS{URL: "nats://me:secret@a"}, "url"},
		"NATS scheme":          {&NATS{URL: "ws://a"}, "url"},
		"two monitoring ports": {&NATS{URL: "http://a:8222,http://b:8222"}, "url"},
		"credentials for own":  {&NATS{Credentials: "a"}, "credentials"},
		"stream":               {&NATS{Stream: "a.b"}, "stream"},
		"consumer":             {&NATS{Consumer: "a"}, "consumer"},
		"lag of no consumer":   {&NATS{Stream: "a", MaxLag: 1}, "max_lag"},
		"libpq string":         {&Postgres{URL: "host=/var/run"}, "url"},
		"password in the URL":  {&Postgres{URL: "postgres://me:secret@a/b"}, "url"},
		"socket":               {&Postgres{URL: "postgres://me@/b?host=/var/run"}, "url"},
		"file":                 {&Postgres{URL: "postgres://me@a/b?sslkey=/etc/key"}, "url"},
		"passfile":             {&Postgres{URL: "postgres://me@a/b?passfile=/etc/pass"}, "url"},
		"password for own":     {&Postgres{Password: "a"}, "password"},
		"connections":          {&Postgres{ConnectionsPercent: -1}, "connections_percent"},
		"no id":                {&Instance{}, "id"},
		"no value":             {&System{}, "value"},
		"limit":                {&System{Value: DiskUse, Limit: -1}, "limit"},
		"no period":            {&Heartbeat{}, "period"},
		"grace":                {&Heartbeat{Period: 1, Grace: -1}, "grace"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.check.Validate()
			fields := fault.Fields(err)
			if !errors.Is(err, fault.ErrInvalid) || len(fields) == 0 || fields[0].Path != c.field {
				t.Fatalf("%v with fields %v, want %s", err, fields, c.field)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error has the password: %v", err)
			}
		})
	}
}

// TestJSONPathCost verifies that paths are refused of which the time grows with more than the size of the
// document.
func TestJSONPathCost(t *testing.T) {
	for path, ok := range map[string]bool{
		"$": true, "$.a['b'][0][-1][1:3][*]": true, "$..a": true, "$[?@.a == 'x, y .. $'].b": true, `$["a,b"]`: true, `$['it\'s, ']`: true,
		"$.a[?count(@.*) > 1]": true, "$[?length(@.name) > 2 && @.up == false]": true, "$[?@..a]": true,
		"$..*..*": false, "$[*,*][*,*]": false, "$['a','b']": false, "$[?$[?$[*]]]": false, "$[?match(@.a, 'b')]": false, "$[?search(@.a, 'b')]": false,
		"$[?@.a && @.b && @.c && @.d]": true, "$[?@.a && @.b && @.c && @.d && @.e]": false,
		"$..[?@..a]": false, "$[?@[0,0]]": false,
	} {
		if err := checkJSONPath(path); (err == nil) != ok {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestGraceOrDefault(t *testing.T) {
	for c, want := range map[Heartbeat]time.Duration{
		{Period: time.Hour}: 6 * time.Minute, {Period: 5 * time.Second}: time.Second, {Period: time.Hour, Grace: time.Minute}: time.Minute,
	} {
		if got := c.GraceOrDefault(); got != want {
			t.Errorf("%+v: %s, want %s", c, got, want)
		}
	}
}

// TestHTTPURL verifies URLs that a check may have.
func TestHTTPURL(t *testing.T) {
	for _, text := range []string{
		"http://example.com", "https://example.com:8443/a?b=c#d", "http://[2001:db8::1]:80/", "http://192.0.2.1", "http://a_b.example./", "https://한글.example/상태", "HTTP://EXAMPLE.COM/",
	} {
		if err := checkHTTPURL(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzHTTPURL verifies that a URL that is permitted leads to a request to the host that was checked, without
// credentials.
func FuzzHTTPURL(f *testing.F) {
	for _, text := range []string{"http://example.com", "http://[::1]:80/", "http://a@b", "http://a:b@c/", "http://a\\@b/", "http://a%2fb/", "http:///a", "http://a:80:80/", "//a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if checkHTTPURL(text) != nil {
			return
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, text, http.NoBody)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if req.URL.User != nil || req.URL.Hostname() == "" || strings.ContainsAny(req.URL.Host, "@/\\ \x00") {
			t.Errorf("%q: %#v", text, req.URL)
		}
	})
}

// FuzzAddress verifies that an address that is permitted is a host and a port.
func FuzzAddress(f *testing.F) {
	for _, text := range []string{"a:1", "[::1]:1", "[fe80::1%eth0]:1", "a:b:1", ":1", "a:0x1", "a:+1", "-a:1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if checkAddress(text) != nil {
			return
		}
		host, port, err := net.SplitHostPort(text)
		number, failure := strconv.Atoi(port)
		if err != nil || failure != nil || number < 1 || number > 65535 || host == "" || strings.ContainsAny(host, "%/@ \x00") {
			t.Errorf("%q: %q, %q", text, host, port)
		}
	})
}
