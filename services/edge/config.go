package edge

// A Config holds the settings of the edge. The tags of a field are its flag of bongsu
// serve. The zero value of a field is its default.
type Config struct {
	// Addr is the listen address, host:port. Port 0 is any free port.
	Addr string `name:"edge-addr" check:"listen" default:"127.0.0.1:18080" help:"The address on which the edge listens."`

	// IntakeConfig is the path of a YAML file with the intake sources, as
	// intake.ReadConfig reads it. Empty means the built-in sources.
	IntakeConfig string `type:"path" placeholder:"FILE" help:"A YAML file with the intake sources and their default targets: alertmanager, grafana, cloudevents, and JSON by templates."`

	// ResponseCache is the size of the cache of responses, such as 64MiB, or off. Several
	// edges must share a NATS server: it carries the changes that make responses stale.
	ResponseCache string `default:"64MiB" placeholder:"SIZE" help:"The size of the cache of responses, such as 64MiB, or off. Several edges with a cache need the same --nats-url, by which they learn of changes."`
}
