package auth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

var client = netip.MustParseAddr("10.0.0.7")

// A keyStore keeps keys in memory.
type keyStore struct {
	mu    sync.Mutex
	keys  map[string]auth.StoredKey
	finds int
	down  error
	delay time.Duration
}

func (s *keyStore) FindKey(ctx context.Context, id string) (auth.StoredKey, error) {
	s.mu.Lock()
	s.finds++
	key, ok := s.keys[id] // as it is when the look-up begins: the latest moment to miss a revocation
	delay, down := s.delay, s.down
	s.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return auth.StoredKey{}, ctx.Err()
	}
	switch {
	case down != nil:
		return auth.StoredKey{}, down
	case !ok:
		return auth.StoredKey{}, fault.NotFoundf("key %s not found", id)
	}
	return key, nil
}

// add stores a new key and returns it.
func (s *keyStore) add(t *testing.T, change func(*auth.StoredKey)) (id, key string) {
	t.Helper()
	id, key, hash, err := auth.NewKey()
	kittest.NoError(t, err)
	stored := auth.StoredKey{Caller: auth.Caller{ID: id, Name: "ci", Roles: []string{"sender"}}, SecretHash: hash}
	if change != nil {
		change(&stored)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = map[string]auth.StoredKey{}
	}
	s.keys[id] = stored
	return id, key
}

func (s *keyStore) revoke(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.keys[id]
	key.RevokeTime = time.Now()
	s.keys[id] = key
}

// reason returns the reason of a refusal; empty for another error or none.
func reason(err error) auth.Reason {
	if refusal, ok := errors.AsType[*auth.Refusal](err); ok {
		return refusal.Reason
	}
	return ""
}

func TestVerifyKey(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	networks := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::1/128")}
	for name, c := range map[string]struct {
		change func(*auth.StoredKey)
		client string
		want   auth.Reason // empty if the key is accepted
	}{
		"valid":                       {nil, "10.0.0.7", ""},
		"before its expire time":      {func(k *auth.StoredKey) { k.ExpireTime = now.Add(1) }, "10.0.0.7", ""},
		"at its expire time":          {func(k *auth.StoredKey) { k.ExpireTime = now }, "10.0.0.7", auth.ExpiredKey},
		"revoked":                     {func(k *auth.StoredKey) { k.RevokeTime = now.Add(time.Hour) }, "10.0.0.7", auth.RevokedKey},
		"wrong secret":                {func(k *auth.StoredKey) { k.SecretHash = auth.HashSecret("other") }, "10.0.0.7", auth.WrongSecret},
		"no hash":                     {func(k *auth.StoredKey) { k.SecretHash = nil }, "10.0.0.7", auth.WrongSecret},
		"wrong secret of revoked key": {func(k *auth.StoredKey) { k.SecretHash, k.RevokeTime = nil, now }, "10.0.0.7", auth.WrongSecret},
		"allowed network":             {func(k *auth.StoredKey) { k.AllowedAddresses = networks }, "10.9.9.9", ""},
		"allowed network, mapped":     {func(k *auth.StoredKey) { k.AllowedAddresses = networks }, "::ffff:10.9.9.9", ""},
		"allowed address":             {func(k *auth.StoredKey) { k.AllowedAddresses = networks }, "fd00::1", ""},
		"allowed address, zone":       {func(k *auth.StoredKey) { k.AllowedAddresses = networks }, "fd00::1%eth0", ""},
		"another address":             {func(k *auth.StoredKey) { k.AllowedAddresses = networks }, "11.0.0.1", auth.WrongAddress},
		"another address, IPv6":       {func(k *auth.StoredKey) { k.AllowedAddresses = networks }, "fd00::2", auth.WrongAddress},
		"unknown address":             {func(k *auth.StoredKey) { k.AllowedAddresses = networks }, "", auth.WrongAddress},
		"unknown address, all":        {nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			store := &keyStore{}
			id, key := store.add(t, c.change)
			client, _ := netip.ParseAddr(c.client)
			caller, err := auth.NewKeyVerifier(store, nil, func() time.Time { return now }).Verify(t.Context(), key, client)
			if reason(err) != c.want || (err == nil) != (c.want == "") {
				t.Fatalf("error is %v, want reason %q", err, c.want)
			}
			if c.want == "" && (caller.ID != id || caller.Name != "ci" || len(caller.Roles) != 1) {
				t.Errorf("caller is %+v", caller)
			}
			if _, secret, _ := auth.ParseKey(key); err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("error %q holds the secret", err)
			}
		})
	}
}

// TestUnknownKey checks that an unknown key and a wrong secret have the same text.
func TestUnknownKey(t *testing.T) {
	store := &keyStore{}
	verifier := auth.NewKeyVerifier(store, nil, time.Now)
	_, wrong := store.add(t, func(k *auth.StoredKey) { k.SecretHash = nil })
	_, unknown, _, err := auth.NewKey()
	kittest.NoError(t, err)
	_, wrongErr := verifier.Verify(t.Context(), wrong, client)
	_, unknownErr := verifier.Verify(t.Context(), unknown, client)
	_, malformedErr := verifier.Verify(t.Context(), "bgs_a_b", client)
	if reason(wrongErr) != auth.WrongSecret || reason(unknownErr) != auth.UnknownKey || reason(malformedErr) != auth.Malformed {
		t.Errorf("errors are %v, %v, %v", wrongErr, unknownErr, malformedErr)
	}
	if wrongErr.Error() != unknownErr.Error() || malformedErr.Error() != unknownErr.Error() {
		t.Errorf("texts differ: %v, %v, %v", wrongErr, unknownErr, malformedErr)
	}
}

// TestKeyCache checks that a key is looked up every 5 s, whatever the look-up found, and
// that a revoked key is refused 5 s after its revocation, however long a look-up takes.
func TestKeyCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &keyStore{delay: time.Second}
		id, key := store.add(t, nil)
		_, unknown, _, err := auth.NewKey()
		kittest.NoError(t, err)
		verifier := auth.NewKeyVerifier(store, nil, time.Now)
		begin := time.Now()
		for range 3 {
			if _, err := verifier.Verify(t.Context(), key, client); err != nil {
				t.Fatal(err)
			}
		}
		store.revoke(id) // a second after the look-up began
		for time.Since(begin) < 5*time.Second {
			if _, err := verifier.Verify(t.Context(), key, client); err != nil {
				t.Fatalf("after %s: %v", time.Since(begin), err)
			}
			time.Sleep(100 * time.Millisecond) // of the bubble's clock
		}
		if _, err := verifier.Verify(t.Context(), key, client); reason(err) != auth.RevokedKey {
			t.Errorf("after 5 s the error is %v", err)
		}
		if store.finds != 2 {
			t.Errorf("%d look-ups, want 2", store.finds)
		}
		for range 3 {
			if _, err := verifier.Verify(t.Context(), unknown, client); reason(err) != auth.UnknownKey {
				t.Errorf("error is %v", err)
			}
		}
		if store.finds != 3 {
			t.Errorf("%d look-ups, want 3", store.finds)
		}
	})
}

// TestKeyStoreAway checks that a cached key is accepted for 5 s without the store, that a
// key is neither accepted nor refused then, and that callers do not wait for long.
func TestKeyStoreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &keyStore{}
		_, key := store.add(t, nil)
		_, other := store.add(t, nil)
		verifier := auth.NewKeyVerifier(store, nil, time.Now)
		if _, err := verifier.Verify(t.Context(), key, client); err != nil {
			t.Fatal(err)
		}
		away := errors.New("connection refused")
		store.down = away
		time.Sleep(5*time.Second - 1) // of the bubble's clock
		if _, err := verifier.Verify(t.Context(), key, client); err != nil {
			t.Errorf("cached: %v", err)
		}
		if _, err := verifier.Verify(t.Context(), other, client); !errors.Is(err, away) || reason(err) != "" {
			t.Errorf("not cached: error is %v", err)
		}
		time.Sleep(time.Nanosecond) // of the bubble's clock
		if _, err := verifier.Verify(t.Context(), key, client); !errors.Is(err, away) || reason(err) != "" {
			t.Errorf("after 5 s: error is %v", err)
		}
		store.delay = time.Hour
		begin := time.Now()
		if _, err := verifier.Verify(t.Context(), key, client); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 5*time.Second {
			t.Errorf("stalled store: error is %v after %s", err, time.Since(begin))
		}
		store.down, store.delay = nil, 0
		if _, err := verifier.Verify(t.Context(), key, client); err != nil {
			t.Errorf("store is back: %v", err)
		}
	})
}

// TestSharedFind checks that concurrent callers share one look-up, which goes on when the
// first of them is gone.
func TestSharedFind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &keyStore{delay: time.Second}
		_, key := store.add(t, nil)
		verifier := auth.NewKeyVerifier(store, nil, time.Now)
		gone, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := verifier.Verify(gone, key, client); !errors.Is(err, context.Canceled) {
				t.Errorf("error of the caller that left is %v", err)
			}
		})
		synctest.Wait()
		for range 10 {
			all.Go(func() {
				if _, err := verifier.Verify(t.Context(), key, client); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		leave()
		all.Wait()
		if store.finds != 1 {
			t.Errorf("%d look-ups, want 1", store.finds)
		}
	})
}

// A useRecorder collects recorded uses.
type useRecorder struct {
	mu      sync.Mutex
	batches [][]auth.KeyUse
	down    atomic.Bool
}

func (r *useRecorder) RecordKeyUses(_ context.Context, uses []auth.KeyUse) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down.Load() {
		return errors.New("away")
	}
	r.batches = append(r.batches, uses)
	return nil
}

// TestKeyUses checks that uses are recorded in batches, that they are kept while they cannot
// be recorded, and that the last are recorded at the end.
func TestKeyUses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, recorder := &keyStore{}, &useRecorder{}
		id, key := store.add(t, nil)
		_, refused := store.add(t, func(k *auth.StoredKey) { k.RevokeTime = time.Now() })
		uses := auth.NewKeyUses(recorder, slog.New(slog.DiscardHandler))
		verifier := auth.NewKeyVerifier(store, uses, time.Now)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { kittest.NoError(t, uses.Run(ctx)) })
		begin := time.Now()
		for range 100 { // 50 s
			if _, err := verifier.Verify(t.Context(), key, client); err != nil {
				t.Fatal(err)
			}
			if _, err := verifier.Verify(t.Context(), refused, client); reason(err) != auth.RevokedKey {
				t.Fatal(err)
			}
			if time.Since(begin) == 25*time.Second {
				recorder.down.Store(true)
			}
			if time.Since(begin) == 45*time.Second {
				recorder.down.Store(false)
			}
			time.Sleep(500 * time.Millisecond) // of the bubble's clock
		}
		stop()
		running.Wait()
		var last time.Time
		for _, batch := range recorder.batches {
			if len(batch) != 1 || batch[0].ID != id || !batch[0].Time.After(last) {
				t.Errorf("batch %v after %s", batch, last)
			}
			last = batch[0].Time
		}
		if n := len(recorder.batches); n < 3 || n > 5 {
			t.Errorf("%d batches, want one every 10 s while they could be recorded", n)
		}
		if age := time.Since(last); age > 10*time.Second {
			t.Errorf("the last recorded use is %s ago", age)
		}
	})
}

// TestKeyUsesBound checks that uses which cannot be recorded are bounded.
func TestKeyUsesBound(t *testing.T) {
	recorder := &useRecorder{}
	uses := auth.NewKeyUses(recorder, slog.New(slog.DiscardHandler))
	for i := range 10_100 {
		uses.Add(fmt.Sprint(i), time.Now())
	}
	ended, end := context.WithCancel(t.Context())
	end()
	kittest.NoError(t, uses.Run(ended))
	if len(recorder.batches) != 1 || len(recorder.batches[0]) != 10_000 {
		t.Errorf("%d batches", len(recorder.batches))
	}
}
