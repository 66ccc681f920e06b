// Package probe holds the kinds of checks, and runs them.
package probe

import "context"

// A Kind is the kind of a check. It is stored, and is the name of the field in MonitorSettings.
type Kind string

// The kinds.
const (
	KindHTTP     Kind = "http"
	KindTCP      Kind = "tcp"
	KindDNS      Kind = "dns"
	KindICMP     Kind = "icmp"
	KindGRPC     Kind = "grpc"
	KindTLS      Kind = "tls"
	KindHost     Kind = "host"
	KindProcess  Kind = "process"
	KindNATS     Kind = "nats"
	KindPostgres Kind = "postgres"
	KindInstance Kind = "instance"
	KindSystem   Kind = "system"
	// KindHeartbeat is not run: a heartbeat waits for pings.
	KindHeartbeat Kind = "heartbeat"
)

// A Check is the settings of a check of one kind. It is stored as JSON.
type Check interface {
	Kind() Kind
	// Validate returns fault.ErrInvalid, which names the field, for settings with which the check
	// cannot run: an address that cannot be parsed, a pattern that does not compile. It does not
	// resolve names.
	Validate() error
	// Secrets returns its secret texts, by the names of their fields, and Destination the address
	// that they are sent to. A secret is kept over a change of the settings only while the
	// destination stays.
	Secrets() map[string]*string
	Destination() string
}

// A Finding is the finding of a check.
type Finding struct {
	Outcome Outcome
	// Message is why it failed or could not run, or its finding in words; at most MaxMessage bytes, without
	// secrets. It may be empty if it passed.
	Message string
	// Value is the number that was measured, if HasValue is set.
	Value    float64
	HasValue bool
}

// MaxMessage is the maximum length of a message in bytes.
const MaxMessage = 500

// An Outcome is whether a check passed. The values are stored, and those of the API.
type Outcome int8

// The outcomes.
const (
	Passed  Outcome = 1
	Failed  Outcome = 2
	Unknown Outcome = 3 // it could not run, for a reason that is not the target's
)

// A Runner runs checks. It is safe for concurrent use.
type Runner interface {
	// Run runs a check until ctx ends, which it reports as Failed with a message that names the
	// timeout. It must not return later than a second after ctx has ended, and must not panic.
	Run(ctx context.Context, c Check) Finding
}
