package probe

import (
	"cmp"
	"fmt"
	"net/http"
	"time"
)

// kinds returns a check without settings of each kind.
var kinds = map[Kind]func() Check{
	KindHTTP:      func() Check { return new(HTTP) },
	KindTCP:       func() Check { return new(TCP) },
	KindDNS:       func() Check { return new(DNS) },
	KindICMP:      func() Check { return new(ICMP) },
	KindGRPC:      func() Check { return new(GRPC) },
	KindTLS:       func() Check { return new(TLS) },
	KindHost:      func() Check { return new(Host) },
	KindProcess:   func() Check { return new(Process) },
	KindNATS:      func() Check { return new(NATS) },
	KindPostgres:  func() Check { return new(Postgres) },
	KindInstance:  func() Check { return new(Instance) },
	KindSystem:    func() Check { return new(System) },
	KindHeartbeat: func() Check { return new(Heartbeat) },
}

// An HTTP check sends an HTTP request.
type HTTP struct {
	URL            string        `json:"url"`
	Method         string        `json:"method,omitempty"` // empty for GET
	Headers        []Header      `json:"headers,omitempty"`
	Body           string        `json:"body,omitempty"`
	Status         []int32       `json:"status,omitempty"`           // empty for 200 to 299
	BodyPattern    string        `json:"body_pattern,omitempty"`     // empty for none
	BodyNotPattern string        `json:"body_not_pattern,omitempty"` // empty for none
	JSONPath       string        `json:"json_path,omitempty"`        // empty for none
	JSONValue      string        `json:"json_value,omitempty"`       // empty for any
	Redirects      int           `json:"redirects,omitempty"`        // the maximum
	MaxLatency     time.Duration `json:"max_latency,omitempty"`      // 0 for the timeout
	SkipVerify     bool          `json:"skip_verify,omitempty"`
}

// A Header is a header of an HTTP check. Its value is a secret.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
}

// A TCP check opens a TCP connection.
type TCP struct {
	Address string `json:"address"` // host:port
	Send    string `json:"send,omitempty"`
	Expect  string `json:"expect,omitempty"` // a pattern; empty for none
	TLS     bool   `json:"tls,omitempty"`
}

// A DNS check sends a DNS query.
type DNS struct {
	Server string `json:"server,omitempty"` // host:port; empty for those of the machine
	Name   string `json:"name"`
	Type   string `json:"type,omitempty"`   // empty for A
	Expect string `json:"expect,omitempty"` // a pattern; empty for any answer
}

// An ICMP check sends echo requests.
type ICMP struct {
	Host  string `json:"host"`
	Count int    `json:"count,omitempty"` // 0 for 3
}

// A GRPC check calls grpc.health.v1.Health.
type GRPC struct {
	Address    string `json:"address"`           // host:port
	Service    string `json:"service,omitempty"` // empty for the whole server
	TLS        bool   `json:"tls,omitempty"`
	SkipVerify bool   `json:"skip_verify,omitempty"`
}

// A TLS check reads the certificates of a server.
type TLS struct {
	Address    string `json:"address"`               // host:port
	ServerName string `json:"server_name,omitempty"` // empty for the host
	Days       int    `json:"days,omitempty"`        // 0 for 14
}

// A Host check reads the machine of this process. A limit of 0 is not checked.
type Host struct {
	DiskPath      string  `json:"disk_path,omitempty"` // empty for the data folder
	DiskPercent   float64 `json:"disk_percent,omitempty"`
	DiskFreeBytes int64   `json:"disk_free_bytes,omitempty"`
	MemoryPercent float64 `json:"memory_percent,omitempty"`
	CPUPercent    float64 `json:"cpu_percent,omitempty"`
	Load          float64 `json:"load,omitempty"` // of a minute per processor
}

// A Process check looks for processes on the machine of this process.
type Process struct {
	Name           string `json:"name,omitempty"`      // empty for any
	Command        string `json:"command,omitempty"`   // a pattern; empty for any
	MinCount       int    `json:"min_count,omitempty"` // 0 for 1
	MaxMemoryBytes int64  `json:"max_memory_bytes,omitempty"`
}

// A NATS check reads a NATS cluster. A limit of 0 is not checked.
type NATS struct {
	URL         string `json:"url,omitempty"` // one or more, with commas; empty for the servers of this process
	Servers     int    `json:"servers,omitempty"`
	Stream      string `json:"stream,omitempty"`
	Consumer    string `json:"consumer,omitempty"`
	MaxLag      int64  `json:"max_lag,omitempty"`
	Credentials string `json:"credentials,omitempty"` // the content of a .creds file; a secret
}

// A Postgres check opens a connection to PostgreSQL. A limit of 0 is not checked.
type Postgres struct {
	URL                string        `json:"url,omitempty"` // empty for the ledger's
	Password           string        `json:"password,omitempty"`
	ConnectionsPercent float64       `json:"connections_percent,omitempty"`
	ReplicationLag     time.Duration `json:"replication_lag,omitempty"`
	TransactionAge     time.Duration `json:"transaction_age,omitempty"`
	XIDPercent         float64       `json:"xid_percent,omitempty"`
}

// An Instance check calls the health service of a registered instance.
type Instance struct {
	ID string `json:"id"`
}

// A System check reads a value of Bongsu itself.
type System struct {
	Value SystemValue `json:"value"`
	// Limit is the value above which it fails; of days that are left, below which.
	Limit float64 `json:"limit,omitempty"`
}

// A SystemValue is a value of Bongsu itself. The values are stored, and those of the API.
type SystemValue int8

// The values of Bongsu itself.
const (
	OldestDue       SystemValue = 1 // the age of the oldest delivery that is due and not sent, in seconds
	StuckDeliveries SystemValue = 2
	DeadLetters     SystemValue = 3
	QueueProblems   SystemValue = 4 // streams without a leader, or with a replica that is not in sync
	LedgerLatency   SystemValue = 5 // of a small write, in seconds
	DiskUse         SystemValue = 6 // of the data folder, in percent
	CertificateDays SystemValue = 7 // until the certificate of the edge expires
	SealKeyAge      SystemValue = 8 // in days
)

// systemValues holds the name, the unit and the direction of each value.
var systemValues = map[SystemValue]struct {
	name, text, unit string
	minimum          bool // it fails below the limit
}{
	OldestDue:       {"oldest-due", "oldest due delivery", " s", false},
	StuckDeliveries: {"stuck-deliveries", "stuck deliveries", "", false},
	DeadLetters:     {"dead-letters", "dead letters", "", false},
	QueueProblems:   {"queue", "streams of the queue without a leader or with a replica that is not in sync", "", false},
	LedgerLatency:   {"ledger-latency", "write to the ledger", " s", false},
	DiskUse:         {"disk", "use of the file system of the data folder", " %", false},
	CertificateDays: {"certificate", "validity of the certificate", " days", true},
	SealKeyAge:      {"seal-key-age", "age of the current seal key", " days", false},
}

// String returns the name of the value, such as oldest-due.
func (v SystemValue) String() string {
	return cmp.Or(systemValues[v].name, fmt.Sprintf("value-%d", int(v)))
}

// A Heartbeat waits for pings. It is not run.
type Heartbeat struct {
	Period time.Duration `json:"period"`
	Grace  time.Duration `json:"grace,omitempty"`   // 0 for a tenth of the period, and at least a second
	MaxRun time.Duration `json:"max_run,omitempty"` // 0 for no limit
}

// GraceOrDefault returns Grace or its default.
func (c *Heartbeat) GraceOrDefault() time.Duration {
	return cmp.Or(c.Grace, max(c.Period/10, time.Second))
}

// Kind returns KindHTTP.
func (*HTTP) Kind() Kind { return KindHTTP }

// Kind returns KindTCP.
func (*TCP) Kind() Kind { return KindTCP }

// Kind returns KindDNS.
func (*DNS) Kind() Kind { return KindDNS }

// Kind returns KindICMP.
func (*ICMP) Kind() Kind { return KindICMP }

// Kind returns KindGRPC.
func (*GRPC) Kind() Kind { return KindGRPC }

// Kind returns KindTLS.
func (*TLS) Kind() Kind { return KindTLS }

// Kind returns KindHost.
func (*Host) Kind() Kind { return KindHost }

// Kind returns KindProcess.
func (*Process) Kind() Kind { return KindProcess }

// Kind returns KindNATS.
func (*NATS) Kind() Kind { return KindNATS }

// Kind returns KindPostgres.
func (*Postgres) Kind() Kind { return KindPostgres }

// Kind returns KindInstance.
func (*Instance) Kind() Kind { return KindInstance }

// Kind returns KindSystem.
func (*System) Kind() Kind { return KindSystem }

// Kind returns KindHeartbeat.
func (*Heartbeat) Kind() Kind { return KindHeartbeat }

// Secrets returns the values of the headers, by their names: headers[Name], and
// headers[Name#2] for the second one of a name.
func (c *HTTP) Secrets() map[string]*string {
	secrets, seen := map[string]*string{}, map[string]int{}
	for i := range c.Headers {
		name := http.CanonicalHeaderKey(c.Headers[i].Name)
		key := name
		if seen[name]++; seen[name] > 1 {
			key = fmt.Sprintf("%s#%d", name, seen[name])
		}
		secrets["headers["+key+"]"] = &c.Headers[i].Value
	}
	return secrets
}

// Secrets returns the credentials.
func (c *NATS) Secrets() map[string]*string { return map[string]*string{"credentials": &c.Credentials} }

// Secrets returns the password.
func (c *Postgres) Secrets() map[string]*string { return map[string]*string{"password": &c.Password} }

// Secrets returns nil.
func (*TCP) Secrets() map[string]*string { return nil }

// Secrets returns nil.
func (*DNS) Secrets() map[string]*string { return nil }

// Secrets returns nil.
func (*ICMP) Secrets() map[string]*string { return nil }

// Secrets returns nil.
func (*GRPC) Secrets() map[string]*string { return nil }

// Secrets returns nil.
func (*TLS) Secrets() map[string]*string { return nil }

// Secrets returns nil.
func (*Host) Secrets() map[string]*string { return nil }

// Secrets returns nil.
func (*Process) Secrets() map[string]*string { return nil }

// Secrets returns nil.
func (*Instance) Secrets() map[string]*string { return nil }

// Secrets returns nil.
func (*System) Secrets() map[string]*string { return nil }

// Secrets returns nil.
func (*Heartbeat) Secrets() map[string]*string { return nil }

// Destination returns the URL. A check that verifies the certificate has another destination
// than one that accepts any.
func (c *HTTP) Destination() string {
	if c.SkipVerify {
		return "unverified " + c.URL
	}
	return c.URL
}

// Destination returns the address.
func (c *TCP) Destination() string { return c.Address }

// Destination returns the address of the name server.
func (c *DNS) Destination() string { return c.Server }

// Destination returns the host.
func (c *ICMP) Destination() string { return c.Host }

// Destination returns the address.
func (c *GRPC) Destination() string { return c.Address }

// Destination returns the address.
func (c *TLS) Destination() string { return c.Address }

// Destination returns "".
func (*Host) Destination() string { return "" }

// Destination returns "".
func (*Process) Destination() string { return "" }

// Destination returns the URLs.
func (c *NATS) Destination() string { return c.URL }

// Destination returns the URL.
func (c *Postgres) Destination() string { return c.URL }

// Destination returns the id of the instance.
func (c *Instance) Destination() string { return c.ID }

// Destination returns "".
func (*System) Destination() string { return "" }

// Destination returns "".
func (*Heartbeat) Destination() string { return "" }
