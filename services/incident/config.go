package incident

import (
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/kit/config"
)

const (
	// DefaultAddr is the listen address of an incident service without Config.Addr, in a
	// process without the edge.
	DefaultAddr = "127.0.0.1:18091"
	// minRetention is the minimum of Config.KeepIncidents.
	minRetention = 24 * time.Hour
)

// A Config holds the settings of the incident service. The tags of a field are its flag of
// bongsu serve. The zero value of a field is its default.
type Config struct {
	// Addr is the listen address, host:port. Port 0 is any free port. Empty means no port
	// beside the edge, otherwise DefaultAddr.
	Addr string `name:"incident-addr" check:"listen" help:"The address on which the incident service listens; none by default beside the edge, otherwise 127.0.0.1:18091."`

	// DatabaseURL names the database: postgres://…, a libpq string, or a file. Empty means
	// incident.db in the data folder. It must differ from those of other services.
	DatabaseURL string `name:"incident-url" check:"database" help:"The incident database, with silences and escalation policies: postgres://…, a libpq string (host=… dbname=…), or a file; incident.db in --data by default. Behind PgBouncer in transaction mode add default_query_exec_mode=exec."`

	// KeepIncidents is how long an incident is kept after it last changed, as days (90d), a
	// duration (2160h) or both (1d12h), from 1d to 36500d. "forever" and "0" delete nothing.
	KeepIncidents string `default:"90d" placeholder:"90d" help:"How long an incident is kept after its last change, in days such as 90d, at least 1d; forever keeps all."`
}

// Retention returns the parsed KeepIncidents; 0 is forever.
func (c Config) Retention() (time.Duration, error) {
	if c.KeepIncidents == "forever" || c.KeepIncidents == "0" {
		return 0, nil
	}
	keep, err := config.ParseDays(c.KeepIncidents)
	if err != nil {
		return 0, fmt.Errorf("invalid --keep-incidents %q: %w, or forever", c.KeepIncidents, err)
	}
	if keep < minRetention {
		return 0, fmt.Errorf("invalid --keep-incidents %s: must be forever or at least 1d", c.KeepIncidents)
	}
	return keep, nil
}
