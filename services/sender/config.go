package sender

import (
	"errors"
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

const (
	// DefaultAddr is the listen address of a sender without Config.Addr, in a process
	// without the edge.
	DefaultAddr = "127.0.0.1:18083"
	// minRefusalTime is the minimum of Config.RefusalTime.
	minRefusalTime = time.Second
)

// A Config holds the settings of a sender. The tags of a field are its flag of bongsu
// serve. The zero value of a field is its default.
type Config struct {
	// Addr is the listen address of the sender's health and metrics, host:port. Port 0 is
	// any free port. Empty means no port beside the edge, otherwise DefaultAddr.
	Addr string `name:"sender-addr" check:"listen" help:"The address on which a sender serves its health; none by default beside the edge, otherwise 127.0.0.1:18083."`

	// ProviderTimeout is the timeout of a call to a provider. A lease must be more than
	// twice as long.
	ProviderTimeout time.Duration `default:"10s" help:"The timeout of a call to a provider."`

	// CredentialLimit is the rate limit of each credential over all senders, such as 10/s,
	// or off. The provider's own limit holds if it is lower.
	CredentialLimit string `default:"10/s" placeholder:"10/s" help:"The rate limit of each credential over all senders, such as 10/s, 600/m, 1000/h, or off; 10/s by default. Deliveries above it wait."`

	// DestinationLimit is the rate limit of each destination over all senders, such as 1/s,
	// or off. Empty means that of the messenger.
	DestinationLimit string `placeholder:"1/s" help:"The rate limit of each destination; that of its provider by default."`

	// BreakerPercent is the percentage of failed calls under a credential at which its
	// breaker opens, from 1 to 100; -1 means never.
	BreakerPercent int `default:"10" help:"The percentage of failed calls under a credential at which its circuit breaker opens, from 1 to 100, or -1 for never. With a single destination it opens after --breaker-calls failures in a row."`

	// BreakerCalls is the minimum number of calls before a breaker may open, at least 1.
	BreakerCalls int `default:"10" help:"The minimum number of calls before a breaker may open."`

	// BreakerOpen is how long a breaker stays open before a probe.
	BreakerOpen time.Duration `default:"3s" help:"How long a breaker stays open before a probe."`

	// RefusalTime is how long a refused credential is not called before a probe. At least
	// 1 second.
	RefusalTime time.Duration `default:"1m" help:"How long a refused credential is not called before a probe; meanwhile its deliveries fail."`
}

// Validate returns an error for a flag that is set to zero or less: a zero value would
// become the default. The command line calls it.
func (c Config) Validate() error {
	if c.BreakerCalls < 1 {
		return fmt.Errorf("invalid --breaker-calls %d: must be at least 1", c.BreakerCalls)
	}
	if c.BreakerPercent == 0 || c.BreakerPercent < -1 {
		return fmt.Errorf("invalid --breaker-percent %d: must be from 1 to 100, or -1 for never", c.BreakerPercent)
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{{"--provider-timeout", c.ProviderTimeout}, {"--breaker-open", c.BreakerOpen}, {"--refusal-time", c.RefusalTime}} {
		if d.value <= 0 {
			return fmt.Errorf("invalid %s %s: must be above 0", d.flag, d.value)
		}
	}
	return nil
}

// CheckBounds returns an error for a value out of its bounds. Defaults are set before.
func (c Config) CheckBounds() error {
	if _, err := ratelimit.ParseRate(c.CredentialLimit); err != nil {
		return fmt.Errorf("--credential-limit: %w", err)
	}
	if c.DestinationLimit != "" {
		if _, err := ratelimit.ParseRate(c.DestinationLimit); err != nil {
			return fmt.Errorf("--destination-limit: %w", err)
		}
	}
	if c.BreakerPercent > 100 || c.BreakerCalls < 1 || c.BreakerOpen < 0 {
		return errors.New("--breaker-percent must be from 1 to 100, or -1 for never; --breaker-calls and --breaker-open must be above 0")
	}
	if c.RefusalTime < minRefusalTime {
		return fmt.Errorf("invalid --refusal-time %s: must be at least %s, because a provider may block clients that repeat calls with a refused credential", c.RefusalTime, minRefusalTime)
	}
	return nil
}

// Breaker returns the settings of the circuit breakers.
func (c Config) Breaker() BreakerConfig {
	return BreakerConfig{Percent: max(c.BreakerPercent, 0), Calls: c.BreakerCalls, Open: c.BreakerOpen}
}
