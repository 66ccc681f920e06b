package cli

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
)

// TestCredential checks which credential is sent to which server, with unary calls and streams.
func TestCredential(t *testing.T) {
	var sent string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusTeapot)
	}))
	defer server.Close()
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("admin.key", "admin\n")
	file := write("my.key", " mine \n")
	withUser := "http://kim:pw@" + server.Listener.Addr().String()
	for name, row := range map[string]struct {
		client client
		want   string
	}{
		"file":              {client{Server: server.URL, KeyFile: file, APIKey: "env", Data: folder}, "Bearer mine"},
		"file before user":  {client{Server: withUser, KeyFile: file}, "Bearer mine"},
		"variable":          {client{Server: server.URL, APIKey: "env", Data: folder}, "Bearer env"},
		"user of the URL":   {client{Server: withUser, Data: folder}, "Basic a2ltOnB3"},
		"admin key":         {client{Server: server.URL, Data: folder}, "Bearer admin"},
		"without a scheme":  {client{Server: server.Listener.Addr().String(), Data: folder}, "Bearer admin"},
		"no admin key":      {client{Server: server.URL, Data: t.TempDir()}, ""},
		"no data folder":    {client{Server: server.URL}, ""},
		"file with garbage": {client{Server: server.URL, KeyFile: write("bad.key", "a b")}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			sent = "refused"
			if _, err := row.client.groups().ListGroups(t.Context(), &groupv1.ListGroupsRequest{}); err == nil || sent != row.want {
				t.Errorf("a call sends %q, want %q", sent, row.want)
			}
			if err := row.client.Validate(); (err != nil) != (row.want == "refused") {
				t.Errorf("Validate: %v", err)
			}
			if row.want == "refused" {
				return
			}
			sent = "nothing"
			if err := watch(t.Context(), row.client); err == nil || sent != row.want {
				t.Errorf("a stream sends %q, want %q", sent, row.want)
			}
		})
	}
}

// watch opens a stream and returns its error.
func watch(ctx context.Context, c client) error {
	stream, err := c.alerts().WatchAlert(ctx, &alertv1.WatchAlertRequest{Id: "1"})
	if err != nil {
		return err
	}
	stream.Receive()
	_ = stream.Close() // the error of the stream is returned
	return stream.Err()
}

// TestAdminKeyStaysHere checks that no other machine gets the admin key.
func TestAdminKeyStaysHere(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "admin.key"), []byte("admin"), 0o600); err != nil {
		t.Fatal(err)
	}
	for server, want := range map[string]string{
		"http://127.0.0.1:18080": "admin", "localhost:18080": "admin", "http://[::1]:18080": "admin", "https://127.8.9.1": "admin",
		"https://bongsu.example.com": "", "http://10.0.0.7:18080": "", "http://127.0.0.1.example.com": "", "http://localhost.example.com": "",
	} {
		if got, err := (client{Server: server, Data: folder}).credential(); err != nil || got != want {
			t.Errorf("%s gets %q, %v; want %q", server, got, err, want)
		}
	}
}
