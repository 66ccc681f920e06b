package monitor

import (
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/kit/config"
)

// DefaultAddr is the listen address of a monitor service without Config.Addr, in a process
// without the edge.
const DefaultAddr = "127.0.0.1:18092"

// A Config holds the settings of the monitor service. The tags of a field are its flag of
// bongsu serve. The zero value of a field is its default.
type Config struct {
	// Addr is the listen address, host:port. Port 0 is any free port. Empty means no port
	// beside the edge, otherwise DefaultAddr.
	Addr string `name:"monitor-addr" check:"listen" help:"The address on which the monitor service listens; none by default beside the edge, otherwise 127.0.0.1:18092."`

	// DatabaseURL names the database: postgres://…, a libpq string, or a file. Empty means
	// monitor.db in the data folder. It must differ from those of other services.
	DatabaseURL string `name:"monitor-url" check:"database" help:"The monitor database, with the results of checks: postgres://…, a libpq string (host=… dbname=…), or a file; monitor.db in --data by default. Behind PgBouncer in transaction mode add default_query_exec_mode=exec."`

	// KeepResults and KeepUptime are how long results and their sums by hour are kept, as days (7d), a
	// duration (168h) or both. "forever" and "0" delete nothing.
	KeepResults string `default:"7d" placeholder:"7d" help:"How long each result of a check is kept, in days such as 7d, at least 1d; forever keeps all."`
	KeepUptime  string `default:"366d" placeholder:"366d" help:"How long the uptime and latency by hour are kept, in days such as 366d, at least 1d; forever keeps all."`

	// Private permits checks of addresses of this machine and of private networks.
	Private bool `name:"monitor-private" help:"Permit checks of addresses of this machine and of private networks, for the monitor service: whoever may set a monitor can then reach what this machine reaches. Checks of instances and of Bongsu itself need no permission."`

	// Targets are those of the monitors that the service creates, of instances and of Bongsu itself.
	Targets []string `name:"monitor-targets" placeholder:"@USER" help:"Who is notified by the built-in monitors of instances and of Bongsu itself, when they are created: @user, @@group or @all, separated by commas; by default nobody. SetMonitor changes those that exist."`

	// Concurrency is the maximum number of checks that a process runs at a time, from 1 to 10000.
	Concurrency int `name:"monitor-concurrency" default:"200" placeholder:"200" help:"The maximum number of checks that a monitor service runs at a time, from 1 to 10000; checks of targets that were slow before share half of them."`

	// WatchdogWebhook and WatchdogHeartbeat are URLs of another system. They may hold secrets.
	WatchdogWebhook string `check:"watchdog" placeholder:"URL" help:"A URL to which the monitor service posts each change of a built-in monitor of Bongsu itself, as JSON, beside the alert and without the alert service; by default none. Prefer the environment variable if it holds a secret."`
	// WatchdogMail is a mail relay, with its password, and WatchdogMailTo are the addresses that it
	// sends to. Both or none are set.
	WatchdogMail   string   `check:"relay" placeholder:"URL" help:"A mail relay by which the monitor service sends each such change itself, without the alert service and the senders: smtp://user:password@relay.example.com:587?from=bongsu@example.com, encrypted by STARTTLS, or smtps://…:465; by default none. With --watchdog-mail-to. Prefer the environment variable, because it holds a password."`
	WatchdogMailTo []string `placeholder:"ops@example.com" help:"The mail addresses that --watchdog-mail sends to, separated by commas."`

	WatchdogHeartbeat string `check:"watchdog" placeholder:"URL" help:"A URL of another system that the monitor service calls each minute while it and the built-in monitors of Bongsu itself are well, so that the other system notices silence; by default none."`
}

// CheckBounds returns an error if a number is out of its bounds.
func (c Config) CheckBounds() error {
	if c.Concurrency < 1 || c.Concurrency > maxConcurrency {
		return fmt.Errorf("invalid --monitor-concurrency %d: must be from 1 to %d", c.Concurrency, maxConcurrency)
	}
	return nil
}

// maxConcurrency is the maximum of Config.Concurrency.
const maxConcurrency = 10000

// minRetention is the minimum of Config.KeepResults and Config.KeepUptime.
const minRetention = 24 * time.Hour

// Retention returns the parsed KeepResults and KeepUptime; 0 is forever.
func (c Config) Retention() (results, uptime time.Duration, err error) {
	if results, err = parseRetention("--keep-results", c.KeepResults); err != nil {
		return 0, 0, err
	}
	uptime, err = parseRetention("--keep-uptime", c.KeepUptime)
	return results, uptime, err
}

func parseRetention(flag, text string) (time.Duration, error) {
	if text == "forever" || text == "0" {
		return 0, nil
	}
	keep, err := config.ParseDays(text)
	if err != nil {
		return 0, fmt.Errorf("invalid %s %q: %w, or forever", flag, text, err)
	}
	if keep < minRetention {
		return 0, fmt.Errorf("invalid %s %s: must be forever or at least 1d", flag, text)
	}
	return keep, nil
}
