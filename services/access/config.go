package access

import (
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/kit/config"
)

const (
	// DefaultAddr is the listen address of an access service without Config.Addr, in a
	// process without the edge.
	DefaultAddr = "127.0.0.1:18088"
	// minAuditRetention is the minimum of Config.KeepAudit.
	minAuditRetention = 24 * time.Hour
)

// A Config holds the settings of the access service. The tags of a field are its flag of
// bongsu serve. The zero value of a field is its default.
type Config struct {
	// Addr is the listen address, host:port. Port 0 is any free port. Empty means no port
	// beside the edge, otherwise DefaultAddr.
	Addr string `name:"access-addr" check:"listen" help:"The address on which the access service listens; none by default beside the edge, otherwise 127.0.0.1:18088."`

	// DatabaseURL names the database: postgres://…, a libpq string, or a file. Empty means
	// access.db in the data folder. It must differ from those of the directory and the ledger.
	DatabaseURL string `name:"access-url" check:"database" help:"The access database, with API keys and the audit log: postgres://…, a libpq string (host=… dbname=…), or a file; access.db in --data by default. Behind PgBouncer in transaction mode add default_query_exec_mode=exec."`

	// KeepAudit is how long an entry of the audit log is kept, as days (30d), a duration
	// (720h) or both (1d12h), from 1d to 36500d. "forever" and "0" delete nothing.
	KeepAudit string `default:"90d" placeholder:"90d" help:"How long an entry of the audit log is kept, in days such as 90d, at least 1d; forever keeps all."`
}

// AuditRetention returns the parsed KeepAudit; 0 is forever.
func (c Config) AuditRetention() (time.Duration, error) {
	if c.KeepAudit == "forever" || c.KeepAudit == "0" {
		return 0, nil
	}
	keep, err := config.ParseDays(c.KeepAudit)
	if err != nil {
		return 0, fmt.Errorf("invalid --keep-audit %q: %w, or forever", c.KeepAudit, err)
	}
	if keep < minAuditRetention {
		return 0, fmt.Errorf("invalid --keep-audit %s: must be forever or at least 1d", c.KeepAudit)
	}
	return keep, nil
}
