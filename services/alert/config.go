package alert

import (
	"errors"
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/config"
)

const (
	// DefaultAddr is the listen address of an alert service without Config.Addr, in a
	// process without the edge.
	DefaultAddr = "127.0.0.1:18082"
	// maxJobSize is the maximum of Config.JobSize.
	maxJobSize = 1000
	// minFailoverAfter is the minimum of Config.FailoverAfter.
	minFailoverAfter = time.Second
	// minIncidentWindow is the minimum of Config.RepeatAfter and Config.FlapWindow.
	minIncidentWindow = time.Second
	// maxRepeatAfter is the maximum of Config.RepeatAfter.
	maxRepeatAfter = 30 * 24 * time.Hour
	// maxFlapWindow is the maximum of Config.FlapWindow.
	maxFlapWindow = 24 * time.Hour
)

// A Config holds the settings of the alert service. The tags of a field are its flag of
// bongsu serve. The zero value of a field is its default.
type Config struct {
	// Addr is the listen address, host:port. Port 0 is any free port. Empty means no port
	// beside the edge, otherwise DefaultAddr.
	Addr string `name:"alert-addr" check:"listen" help:"The address on which the alert service listens; none by default beside the edge, otherwise 127.0.0.1:18082."`

	// LedgerURL names the database: postgres://…, a libpq string, or a file. Empty means
	// ledger.db in the data folder. It must differ from that of the directory.
	LedgerURL string `name:"ledger-url" check:"database" help:"The ledger database: postgres://…, a libpq string (host=… dbname=…), or a file; ledger.db in --data by default. Behind PgBouncer in transaction mode add default_query_exec_mode=exec."`

	// UserInfoURL is the base URL of UserInfo of a remote directory, which resolves targets
	// in place of the directory service. Empty means none.
	UserInfoURL string `name:"userinfo-url" check:"service" help:"The URL of a remote directory that serves UserInfo.getUserList over gRPC, with the older service's package or without one; it resolves targets in place of the directory service."`

	// UserInfoKeyFile is the path of a file with the key for UserInfoURL, as an internal key
	// file has it. Empty sends none.
	UserInfoKeyFile string `name:"userinfo-key-file" type:"path" placeholder:"FILE" help:"The internal key file of the deployment of --userinfo-url, if it has one; the key of this deployment is not sent there."`

	// JobSize is the maximum number of deliveries in a job, from 1 to 1000.
	JobSize int `default:"5" help:"The maximum number of deliveries in a job."`

	// FailoverAfter is the failover delay: how long an address may take before the next
	// one of its failover chain is used. At least 1 second.
	FailoverAfter time.Duration `default:"1m" help:"The failover delay: how long an address may take before the next one of its failover chain is used."`

	// RepeatAfter is how long after the last update of an incident an unchanged alert of its
	// key is a repeat, from 1 second to maxRepeatAfter.
	RepeatAfter time.Duration `default:"4h" help:"How long an unchanged firing alert of a key is a repeat, which notifies nobody who was notified before; after that it reminds them."`

	// RepeatFields are the fields whose change makes a firing alert an update of its
	// incident: severity, title, message, link, details, details.NAME.
	RepeatFields []string `default:"title,message,link,details" placeholder:"FIELD" help:"The fields whose change makes a firing alert of a key more than a repeat: severity, title, message, link, details or details.NAME; title, message, link and details by default. Repeatable or separated by commas."`

	// FlapWindow is how long after its resolution a firing alert reopens an incident, from 1
	// second to maxFlapWindow.
	FlapWindow time.Duration `default:"10m" help:"How long after its resolution a firing alert of the same key reopens an incident, in place of opening another one."`

	// Keep is how long an alert is kept after its last delivery completed, as days (30d), a
	// duration (720h) or both (1d12h), from MinRetention to 36500d. Then it is deleted with
	// its deliveries and attempts. "forever" and "0" delete nothing.
	Keep string `default:"forever" placeholder:"30d" help:"How long an alert is kept after its last delivery completed, in days such as 30d, at least 2d; then it is deleted with its deliveries and evidence. By default forever: nothing is deleted."`

	// SeverityMap holds ranks of the severities of other systems, beside the built-in
	// ones: word=rank.
	SeverityMap []string `placeholder:"WORD=RANK" help:"The severity map: ranks of severities of other systems beside the built-in ones, such as page=critical; repeatable or separated by commas. Ranks are critical, high, normal and low. For the alert service."`
}

// Validate returns an error for a flag that is set to zero or less: a zero value would
// become the default. The command line calls it.
func (c Config) Validate() error {
	if c.JobSize < 1 {
		return fmt.Errorf("invalid --job-size %d: must be at least 1", c.JobSize)
	}
	if c.FailoverAfter <= 0 {
		return fmt.Errorf("invalid --failover-after %s: must be above 0", c.FailoverAfter)
	}
	if c.RepeatAfter <= 0 {
		return fmt.Errorf("invalid --repeat-after %s: must be above 0", c.RepeatAfter)
	}
	if c.FlapWindow <= 0 {
		return fmt.Errorf("invalid --flap-window %s: must be above 0", c.FlapWindow)
	}
	if len(c.RepeatFields) == 0 {
		return errors.New(`invalid --repeat-fields "": must have at least one field`)
	}
	return nil
}

// CheckBounds returns an error for a value out of its bounds. Defaults are set before.
func (c Config) CheckBounds() error {
	if c.JobSize < 1 || c.JobSize > maxJobSize {
		return fmt.Errorf("invalid --job-size %d: must be from 1 to %d", c.JobSize, maxJobSize)
	}
	if c.FailoverAfter < minFailoverAfter {
		return fmt.Errorf("invalid --failover-after %s: must be at least %s", c.FailoverAfter, minFailoverAfter)
	}
	if c.RepeatAfter < minIncidentWindow || c.RepeatAfter > maxRepeatAfter {
		return fmt.Errorf("invalid --repeat-after %s: must be from %s to %s", c.RepeatAfter, minIncidentWindow, maxRepeatAfter)
	}
	if c.FlapWindow < minIncidentWindow || c.FlapWindow > maxFlapWindow {
		return fmt.Errorf("invalid --flap-window %s: must be from %s to %s", c.FlapWindow, minIncidentWindow, maxFlapWindow)
	}
	if err := CheckRepeatFields(c.RepeatFields); err != nil {
		return fmt.Errorf("--repeat-fields: %w", err)
	}
	_, err := c.Retention()
	return err
}

// Incidents returns the settings of incidents.
func (c Config) Incidents() IncidentSettings {
	return IncidentSettings{RepeatAfter: c.RepeatAfter, FlapWindow: c.FlapWindow, RepeatFields: c.RepeatFields}
}

// Severities returns the parsed SeverityMap.
func (c Config) Severities() (job.SeverityMap, error) {
	severities, err := job.ParseSeverityMap(c.SeverityMap)
	if err != nil {
		return nil, fmt.Errorf("--severity-map: %w", err)
	}
	return severities, nil
}

// Retention returns the parsed Keep; 0 is forever.
func (c Config) Retention() (time.Duration, error) {
	if c.Keep == "forever" || c.Keep == "0" {
		return 0, nil
	}
	keep, err := config.ParseDays(c.Keep)
	if err != nil {
		return 0, fmt.Errorf("invalid --keep %q: %w, or forever", c.Keep, err)
	}
	if keep < MinRetention {
		return 0, fmt.Errorf("invalid --keep %s: must be forever or at least 2d, because idempotency keys are valid for a day", c.Keep)
	}
	return keep, nil
}
