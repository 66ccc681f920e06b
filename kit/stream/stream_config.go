package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A StreamConfig is a stream of JetStream for events, in files.
type StreamConfig struct {
	Name        string   // required, such as SHOP
	Description string   // for operators
	Subjects    []string // required, such as shop.events.>
	// Replicas is the least number of servers that store the stream, by default 1.
	Replicas int
	// Duplicates is the least time within which a repeated event is dropped, by default 24 h. An
	// outbox that was stopped for longer may repeat the events that it was about to publish.
	Duplicates time.Duration
	// MaxAge is the least time for which events are kept, by default 0: forever.
	MaxAge time.Duration
}

// EnsureStream creates a stream unless it exists. It never reduces an existing one: replicas,
// window and age are raised to those of config, and missing subjects are added. All processes that
// use the stream may call it at once. It returns the error of an unreachable server, too: a process
// that starts without one calls it again.
func EnsureStream(ctx context.Context, js jetstream.JetStream, config StreamConfig) error {
	setDefault(&config.Replicas, 1)
	setDefault(&config.Duplicates, 24*time.Hour)
	if config.MaxAge > 0 {
		config.Duplicates = min(config.Duplicates, config.MaxAge) // as the server requires
	}
	if config.Name == "" || len(config.Subjects) == 0 {
		return errors.New("a stream needs a name and subjects")
	}
	existing, err := js.Stream(ctx, config.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = js.CreateStream(ctx, jetstream.StreamConfig{
			Name: config.Name, Description: config.Description, Subjects: config.Subjects, Storage: jetstream.FileStorage,
			Replicas: config.Replicas, Duplicates: config.Duplicates, MaxAge: config.MaxAge,
		})
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return wrapStream(config.Name, err)
		}
		existing, err = js.Stream(ctx, config.Name) // another process has created it
	}
	if err != nil {
		return wrapStream(config.Name, err)
	}
	raised, differs := config.raise(existing.CachedInfo().Config)
	if !differs {
		return nil
	}
	_, err = js.UpdateStream(ctx, raised)
	return wrapStream(config.Name, err)
}

// raise returns the configuration of an existing stream with what it lacks, and reports whether it
// lacks something.
func (c StreamConfig) raise(existing jetstream.StreamConfig) (_ jetstream.StreamConfig, differs bool) {
	raised := existing
	raised.Replicas = max(existing.Replicas, c.Replicas)
	if existing.MaxAge > 0 { // 0 is forever
		raised.MaxAge = max(existing.MaxAge, c.MaxAge)
		if c.MaxAge == 0 {
			raised.MaxAge = 0
		}
	}
	raised.Duplicates = max(existing.Duplicates, c.Duplicates)
	if raised.MaxAge > 0 {
		raised.Duplicates = min(raised.Duplicates, raised.MaxAge)
	}
	for _, subject := range c.Subjects {
		if !slices.ContainsFunc(existing.Subjects, func(has string) bool { return covers(has, subject) }) {
			raised.Subjects = append(slices.Clone(raised.Subjects), subject)
		}
	}
	return raised, raised.Replicas != existing.Replicas || raised.MaxAge != existing.MaxAge ||
		raised.Duplicates != existing.Duplicates || len(raised.Subjects) != len(existing.Subjects)
}

// covers reports whether a subject with wildcards has all subjects of another one.
func covers(wide, narrow string) bool {
	w, n := strings.Split(wide, "."), strings.Split(narrow, ".")
	for i, token := range w {
		switch {
		case token == ">":
			return len(n) > i
		case i >= len(n) || n[i] == ">" || token != "*" && token != n[i]:
			return false
		}
	}
	return len(w) == len(n)
}

func wrapStream(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("stream %s: %w", name, err)
}
