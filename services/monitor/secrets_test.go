package monitor_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
	"github.com/bongsu-project/bongsu/services/monitor/store"
)

// openMonitors returns a store, and a handler of it that seals under the key file of a path.
func openMonitors(t *testing.T) (s *store.Store, h *monitor.Handler, keyFile string) {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "monitor.db"))
	kittest.NoError(t, err)
	t.Cleanup(func() { kittest.NoError(t, s.Close()) })
	keyFile = filepath.Join(t.TempDir(), "seal.key")
	kittest.NoError(t, sealkey.Format.CreateKeyFile(keyFile))
	return s, &monitor.Handler{Monitors: s, Results: s, Secrets: monitor.Secrets{Key: readKey(t, keyFile)}, Notify: func() {}, Now: time.Now}, keyFile
}

func readKey(t *testing.T, path string) *seal.Keyring {
	t.Helper()
	key, err := sealkey.Format.ReadKeyFile(path)
	kittest.NoError(t, err)
	return key
}

// withHeader returns settings of an HTTP check with a header.
func withHeader(name, url, value string) *monitorv1.MonitorSettings {
	return &monitorv1.MonitorSettings{Name: name, Check: &monitorv1.MonitorSettings_Http{Http: &monitorv1.HttpCheck{
		Url: url, Headers: []*monitorv1.HttpHeader{{Name: "Authorization", Value: value}},
	}}}
}

// storedHeader returns the sealed header of a monitor, and the open one; empty if it does not open.
func storedHeader(t *testing.T, s *store.Store, secrets monitor.Secrets, name string) (sealed, open string) {
	t.Helper()
	m, err := s.Monitor(t.Context(), name)
	kittest.NoError(t, err)
	sealed = m.Settings.Check.(*probe.HTTP).Headers[0].Value //nolint:forcetypeassert // as the test stored it
	check, err := secrets.Open(m)
	if err != nil {
		return sealed, ""
	}
	return sealed, check.(*probe.HTTP).Headers[0].Value //nolint:forcetypeassert // as above
}

// TestSecrets checks that secrets are sealed in the store, stay while the destination stays, and open
// for their monitor and destination only.
func TestSecrets(t *testing.T) {
	s, h, _ := openMonitors(t)
	_, err := h.CreateMonitor(t.Context(), &monitorv1.CreateMonitorRequest{Settings: withHeader("shop", "https://example.com/a", "s3cret")})
	kittest.NoError(t, err)
	sealed, open := storedHeader(t, s, h.Secrets, "shop")
	kittest.Equal(t, open, "s3cret")
	kittest.Equal(t, strings.Contains(sealed, "s3cret"), false)
	set := func(url, value string) {
		t.Helper()
		res, err := h.SetMonitor(t.Context(), &monitorv1.SetMonitorRequest{Name: "shop", Settings: withHeader("", url, value)})
		kittest.NoError(t, err)
		kittest.Equal(t, res.GetMonitor().GetSettings().GetHttp().GetHeaders()[0].GetValue(), "")
		kittest.Equal(t, res.GetCreated(), false)
	}
	set("https://example.com/a", "")
	if _, open := storedHeader(t, s, h.Secrets, "shop"); open != "s3cret" {
		t.Errorf("the secret became %q", open)
	}
	set("https://evil.example/a", "")
	if sealed, _ := storedHeader(t, s, h.Secrets, "shop"); sealed != "" {
		t.Error("the secret is sent to another host")
	}
	set("https://example.com/a", "p4ss")
	if _, open := storedHeader(t, s, h.Secrets, "shop"); open != "p4ss" {
		t.Errorf("the secret became %q", open)
	}

	// The bytes of one monitor, written into another one, open nothing.
	m, err := s.Monitor(t.Context(), "shop")
	kittest.NoError(t, err)
	m.Settings.Name = "stolen"
	if _, err := h.Secrets.Open(m); err == nil || strings.Contains(err.Error(), "p4ss") {
		t.Errorf("another monitor: %v", err)
	}
	m.Settings.Name = "shop"
	m.Settings.Check.(*probe.HTTP).URL = "https://evil.example/a" //nolint:forcetypeassert // as the test stored it
	if _, err := h.Secrets.Open(m); err == nil {
		t.Error("it opens for another URL")
	}
}

// TestSecretsWithoutKey checks that a service without a seal key stores no secrets.
func TestSecretsWithoutKey(t *testing.T) {
	_, h, _ := openMonitors(t)
	h.Secrets.Key = nil
	_, err := h.CreateMonitor(t.Context(), &monitorv1.CreateMonitorRequest{Settings: withHeader("shop", "https://example.com", "s3cret")})
	if err == nil || !strings.Contains(err.Error(), "--seal-key-file") || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
	_, err = h.CreateMonitor(t.Context(), &monitorv1.CreateMonitorRequest{Settings: withHeader("shop", "https://example.com", "")})
	kittest.NoError(t, err)
}

// TestReseal checks that secrets are sealed under the primary key after a rotation, and that one that
// cannot be opened stays as it is.
func TestReseal(t *testing.T) {
	s, h, keyFile := openMonitors(t)
	for _, name := range []string{"a", "b"} {
		_, err := h.CreateMonitor(t.Context(), &monitorv1.CreateMonitorRequest{Settings: withHeader(name, "https://example.com", "s3cret of "+name)})
		kittest.NoError(t, err)
	}
	other := filepath.Join(t.TempDir(), "other.key")
	kittest.NoError(t, sealkey.Format.CreateKeyFile(other))
	lost := monitor.Secrets{Key: readKey(t, other)}
	foreign := &monitor.Handler{Monitors: s, Results: s, Secrets: lost, Notify: func() {}, Now: time.Now}
	_, err := foreign.CreateMonitor(t.Context(), &monitorv1.CreateMonitorRequest{Settings: withHeader("c", "https://example.com", "s3cret of c")})
	kittest.NoError(t, err)

	before, _ := storedHeader(t, s, h.Secrets, "a")
	_, err = sealkey.Format.RotateKeyFile(keyFile, time.Now())
	kittest.NoError(t, err)
	rotated := monitor.Secrets{Key: readKey(t, keyFile)}
	ctx, cancel := context.WithCancel(t.Context())
	var logged strings.Builder
	done := make(chan struct{})
	reported := make(chan struct{}, 1)
	go func() {
		rotated.RunReseal(ctx, s, slog.New(slog.NewTextHandler(&signalWriter{&logged, reported, "not resealed"}, nil)))
		close(done)
	}()
	<-reported
	cancel()
	<-done
	for _, name := range []string{"a", "b"} {
		sealed, open := storedHeader(t, s, rotated, name)
		kittest.Equal(t, open, "s3cret of "+name)
		kittest.Equal(t, sealed != before, true)
	}
	if _, open := storedHeader(t, s, lost, "c"); open != "s3cret of c" {
		t.Error("a secret under another key was changed")
	}
	kittest.Equal(t, strings.Contains(logged.String(), "monitors=2") && strings.Contains(logged.String(), "monitors=1"), true)
}

// A signalWriter signals that a text was written.
type signalWriter struct {
	*strings.Builder
	signal chan struct{}
	text   string
}

func (w *signalWriter) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.text) {
		defer func() { w.signal <- struct{}{} }()
	}
	return w.Builder.Write(p)
}
