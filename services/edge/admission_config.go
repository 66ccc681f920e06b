package edge

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/ban"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// An AdmissionConfig holds the settings of admission. The zero value of a field is its
// default.
type AdmissionConfig struct {
	// AddressLimit is the rate limit of each client address, such as 50/s, with a burst of
	// twice that, or off. An IPv6 network of 64 bits is one address. Off also turns off bans.
	AddressLimit string `default:"50/s" placeholder:"50/s" help:"The rate limit of requests of each client address, such as 50/s or 600/m, with a burst of twice that, or off, which turns off bans too. An IPv6 network of 64 bits counts as one address, and loopback as any other. Refused requests get status 429."`

	// BanAfter is the number of refused requests of an address within 10 seconds beyond which
	// it is banned, from 1 to 1,000,000, or off.
	BanAfter string `default:"100" placeholder:"100" help:"The number of requests refused by --address-limit within 10s beyond which an address is banned, or off."`

	// BanTime is how long an address is banned, from a second to a day.
	BanTime time.Duration `default:"10m" help:"How long an address is banned, at most 24h; meanwhile its requests get status 403. Edges with the same --nats-url share bans."`

	// TrustedProxies holds the addresses and networks of proxies whose X-Forwarded-For names
	// the client. Empty means none.
	TrustedProxies []string `placeholder:"10.0.0.0/8" help:"Addresses and networks of reverse proxies that append the address of their client to X-Forwarded-For, separated by commas; by default the header is ignored."`

	// ServiceLimit holds rate limits of services as service=rate, such as alert=500/s, with a
	// burst of twice that. A joined service is named by its full Protobuf name. Services
	// without one have none.
	ServiceLimit []string `placeholder:"alert=500/s" help:"The rate limit of requests to a service by all callers of this edge, with a burst of twice that: alert=500/s; repeatable or separated by commas. Services are directory, alert and access, and joined ones by their full Protobuf name, such as library.v1.BookService. By default there is none. Refused requests get status 429."`

	// CORSOrigins holds the origins of other sites whose pages may call the edge. Empty means
	// none.
	CORSOrigins []string `name:"cors-origins" placeholder:"https://console.example.com" help:"Origins of other sites whose pages may call this edge, separated by commas; none by default."`

	// MaxCalls is the maximum number of concurrent calls that are not streams. Further ones
	// are refused. One address may have a quarter of them, unless AddressLimit is off.
	MaxCalls int `default:"4096" help:"The maximum number of concurrent calls, of which one address may have a quarter; further ones get status 503 or 429."`

	// MaxStreams is the maximum number of concurrent streams. Further ones are refused.
	MaxStreams int `default:"4096" help:"The maximum number of concurrent streams; further ones get status 503."`

	// MaxStreamsPerCaller is the maximum number of concurrent streams of one caller, or of
	// one address without authentication.
	MaxStreamsPerCaller int `default:"256" help:"The maximum number of concurrent streams of one caller, or of one address without authentication; further ones get status 429."`
}

// Validate returns an error for a flag that is set to an empty or zero value, which would
// become the default. The command line calls it.
func (c AdmissionConfig) Validate() error {
	for _, text := range []struct{ flag, value string }{{"--address-limit", c.AddressLimit}, {"--ban-after", c.BanAfter}} {
		if text.value == "" {
			return fmt.Errorf("%s must not be empty: use off for none", text.flag)
		}
	}
	if c.BanTime <= 0 {
		return fmt.Errorf("invalid --ban-time %s: must be above 0; use --ban-after=off for no bans", c.BanTime)
	}
	for _, bound := range []struct {
		flag  string
		value int
	}{{"--max-calls", c.MaxCalls}, {"--max-streams", c.MaxStreams}, {"--max-streams-per-caller", c.MaxStreamsPerCaller}} {
		if bound.value < 1 {
			return fmt.Errorf("invalid %s %d: must be at least 1", bound.flag, bound.value)
		}
	}
	return nil
}

// CheckBounds returns an error for a value out of its bounds. Defaults are set before.
func (c AdmissionConfig) CheckBounds() error {
	_, err := c.limits()
	return err
}

// limits are the parsed settings of admission.
type limits struct {
	trusted  []netip.Prefix
	address  ratelimit.Rate
	banAfter int // 0 is never
	services map[string]ratelimit.Rate
	origins  []string
}

func (c AdmissionConfig) limits() (l limits, err error) {
	if l.trusted, err = parseNetworks(c.TrustedProxies); err != nil {
		return l, fmt.Errorf("--trusted-proxies: %w", err)
	}
	if l.address, err = ratelimit.ParseRate(c.AddressLimit); err != nil {
		return l, fmt.Errorf("--address-limit: %w", err)
	}
	if c.BanAfter != "off" {
		if l.banAfter, err = strconv.Atoi(c.BanAfter); err != nil || l.banAfter < 1 || l.banAfter > 1_000_000 {
			return l, fmt.Errorf("invalid --ban-after %q: must be a number from 1 to 1000000, or off", c.BanAfter)
		}
	}
	if c.BanTime < time.Second || c.BanTime > ban.MaxDuration {
		return l, fmt.Errorf("invalid --ban-time %s: must be from 1s to %s", c.BanTime, ban.MaxDuration)
	}
	if l.services, err = parseServiceLimits(c.ServiceLimit); err != nil {
		return l, fmt.Errorf("--service-limit: %w", err)
	}
	if l.origins, err = rpc.ParseOrigins(c.CORSOrigins); err != nil {
		return l, fmt.Errorf("--cors-origins: %w", err)
	}
	return l, nil
}

// Origins returns the parsed CORSOrigins. CheckBounds must have returned nil.
func (c AdmissionConfig) Origins() []string {
	origins, _ := rpc.ParseOrigins(c.CORSOrigins)
	return origins
}

// parseNetworks parses addresses and networks.
func parseNetworks(texts []string) ([]netip.Prefix, error) {
	networks := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		text = strings.TrimSpace(text)
		network, err := netip.ParsePrefix(text)
		if addr, single := netip.ParseAddr(text); single == nil {
			network, err = addr.Unmap().WithZone("").Prefix(addr.Unmap().BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("invalid network %q: use an address such as 10.0.0.7, or a network such as 10.0.0.0/8", text)
		}
		networks = append(networks, network.Masked())
	}
	return networks, nil
}

// parseServiceLimits parses limits of the form service=rate, by service.
func parseServiceLimits(texts []string) (map[string]ratelimit.Rate, error) {
	rates := map[string]ratelimit.Rate{}
	for _, text := range texts {
		word, rate, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("invalid limit %q: use service=rate, such as alert=500/s", text)
		}
		service, ok := serviceOfWord(word)
		if !ok {
			return nil, fmt.Errorf("unknown service %q: use %s, or the full name of a joined Protobuf service", word, strings.Join(limitedServices(), ", "))
		}
		if _, twice := rates[service]; twice {
			return nil, errors.New(service + " has two limits: use one")
		}
		parsed, err := ratelimit.ParseRate(rate)
		if err != nil {
			return nil, err
		}
		rates[service] = parsed
	}
	return rates, nil
}
