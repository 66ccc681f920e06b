// Package kittest holds assertions for tests and for test suites of interfaces.
package kittest

import (
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// NoError ends the test unless err is nil.
func NoError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Open opens a store at a URL, and closes it when the test ends.
func Open[S io.Closer](t testing.TB, url string, open func(ctx context.Context, url string) (S, error)) S {
	t.Helper()
	s, err := open(t.Context(), url)
	NoError(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Error fails the test unless err is kind and its text contains all of words.
func Error(t testing.TB, err, kind error, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error is %v, want %v", err, kind)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not contain %q", err, word)
		}
	}
}

// Equal fails the test unless got equals want.
func Equal(t testing.TB, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Concurrently runs f n times concurrently and returns the errors.
func Concurrently(n int, f func(i int) error) []error {
	errs, start := make([]error, n), make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

// OneWinner fails the test unless all errors but one are fault.ErrExists.
func OneWinner(t testing.TB, errs []error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			Error(t, err, fault.ErrExists)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d won, want 1", won, len(errs))
	}
}

// ErrorOf returns the error of a call with one result.
func ErrorOf[T any](_ T, err error) error { return err }

// SealedUnder returns bytes in the form of package seal, under a key whose id is one letter.
func SealedUnder(key, rest string) []byte { return append([]byte{1, 0, 0, 0}, key+rest...) }
