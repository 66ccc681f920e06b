// Package discovery finds the instances of services: by a registry in which processes
// register themselves, by a list of URLs, or by DNS SRV records.
package discovery

import (
	"context"
	"time"
)

// A State is whether an instance is called.
type State int

// The states of an instance. Draining is said by the instance, and wins over Failing.
const (
	Serving  State = iota // it is called
	Draining              // its process stops; it gets no new calls
	Failing               // calls to it fail; it is probed until it serves again
)

// An Instance is one port of a process, with the Protobuf services that it serves.
type Instance struct {
	ID       string   // unique; a new process has a new one (see NewID)
	Name     string   // the word for the services of the port, such as library
	URL      string   // the base URL, such as http://10.0.0.7:18082, without a slash at the end
	Services []string // full names of Protobuf services, such as library.v1.BookService, sorted
	Version  string   // of the program; empty if it is unknown
	State    State
	Reason   string    // why it is not Serving; empty if it is
	Start    time.Time // of the process; zero if it is unknown
	Host     string    // the name of the machine; empty if it is unknown
}

// A Registry knows the instances of services. It is safe for concurrent use.
type Registry interface {
	// Run follows the registry until ctx ends, and then returns nil. Watch and reports need
	// it. It must run once. It retries while the registry is unreachable.
	Run(ctx context.Context) error

	// Watch calls changed with all instances, sorted by id: once they are known, and after each
	// change, until ctx ends. Changes that follow each other closely may share a call. Calls of
	// changed do not overlap; the slice is not changed afterwards. While the registry is
	// unreachable, its last instances are kept. Watch returns nil when ctx ends.
	Watch(ctx context.Context, changed func([]Instance)) error

	// ReportFailing makes an instance Failing for every process that uses the registry, for the
	// given reason, until this process reports that it serves again, or ends, or the instance
	// leaves the registry. An instance that is Draining stays so. An unknown id is ignored.
	// Reports are kept while the registry is unreachable, so ReportFailing does not wait for it.
	ReportFailing(ctx context.Context, id, reason string) error

	// ReportServing withdraws ReportFailing. The instance stays Failing while another process
	// reports it.
	ReportServing(ctx context.Context, id string) error
}

// A Registrar registers the instances of this process in a registry.
type Registrar interface {
	// Register registers an instance, and keeps it registered until ctx ends, and then removes
	// it. It retries while the registry is unreachable. It returns nil when ctx ends, and a
	// fault.ErrInvalid at once for an instance that cannot be registered (see
	// Instance.Validate). states holds the states of the instance after its first one, which
	// is that of instance. Register takes each as it arrives, so sending does not wait for the
	// registry. states may be nil, and may be closed.
	Register(ctx context.Context, instance Instance, states <-chan StateChange) error
}

// A StateChange is a new state of an instance of this process.
type StateChange struct {
	State  State
	Reason string // empty for Serving
}
