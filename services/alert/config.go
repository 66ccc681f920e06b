package alert

import (
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

	// DigestAfter is the DigestRule: how many deliveries to an address are sent at once within
	// a time, before the others wait and are sent as one message. "off" holds back none. Empty
	// means DefaultDigestRule.
	DigestAfter string `default:"10 in 1m" placeholder:"10 in 1m" help:"How many deliveries to an address within a time are sent one by one; the others wait until the time is over and are sent as one message, a digest. off sends all one by one. Critical ones never wait."`

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
	if _, err := c.DigestRule(); err != nil {
		return err
	}
	_, err := c.Retention()
	return err
}

// DigestRule returns the parsed DigestAfter.
func (c Config) DigestRule() (DigestRule, error) {
	if c.DigestAfter == "" {
		return DefaultDigestRule, nil
	}
	rule, err := ParseDigestRule(c.DigestAfter)
	if err != nil {
		return DigestRule{}, fmt.Errorf("invalid --digest-after %q: %w", c.DigestAfter, err)
	}
	return rule, nil
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
