package inbox

import (
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/kit/config"
)

const (
	// DefaultAddr is the listen address of an inbox service without Config.Addr, in a process
	// without the edge.
	DefaultAddr = "127.0.0.1:18085"
	// minRetention is the minimum of Config.KeepInbox.
	minRetention = 24 * time.Hour
)

// A Config holds the settings of the inbox service. The tags of a field are its flag of
// bongsu serve. The zero value of a field is its default.
type Config struct {
	// Addr is the listen address, host:port. Port 0 is any free port. Empty means no port
	// beside the edge, otherwise DefaultAddr.
	Addr string `name:"inbox-addr" check:"listen" help:"The address on which the inbox service listens; none by default beside the edge, otherwise 127.0.0.1:18085."`

	// DatabaseURL names the database: postgres://…, a libpq string, or a file. Empty means
	// inbox.db in the data folder. It must differ from those of other services.
	DatabaseURL string `name:"inbox-url" check:"database" help:"The inbox database: postgres://…, a libpq string (host=… dbname=…), or a file; inbox.db in --data by default. Behind PgBouncer in transaction mode add default_query_exec_mode=exec."`

	// KeepInbox is how long an item is kept after it was stored, read or not, as days (30d), a
	// duration (720h) or both (1d12h), from 1d to 36500d. "forever" and "0" delete nothing.
	KeepInbox string `default:"90d" placeholder:"90d" help:"How long an item of an inbox is kept, in days such as 90d, at least 1d; forever keeps all."`
}

// Retention returns the parsed KeepInbox; 0 is forever.
func (c Config) Retention() (time.Duration, error) {
	if c.KeepInbox == "forever" || c.KeepInbox == "0" {
		return 0, nil
	}
	keep, err := config.ParseDays(c.KeepInbox)
	if err != nil {
		return 0, fmt.Errorf("invalid --keep-inbox %q: %w, or forever", c.KeepInbox, err)
	}
	if keep < minRetention {
		return 0, fmt.Errorf("invalid --keep-inbox %s: must be forever or at least 1d", c.KeepInbox)
	}
	return keep, nil
}
