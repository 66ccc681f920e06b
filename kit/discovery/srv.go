package discovery

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// defaultLookUpInterval is the interval of look-ups unless an option says another.
	defaultLookUpInterval = 5 * time.Second
	// lookUpTimeout is the timeout of a look-up.
	lookUpTimeout = 5 * time.Second
)

var _ Registry = (*SRV)(nil)

// An SRVResolver looks up SRV records. *net.Resolver is one.
type SRVResolver interface {
	// LookupSRV returns the records of a name if service and proto are empty. It may return
	// records together with an error about others.
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, records []*net.SRV, err error)
}

// SRVOptions are the options of an SRV.
type SRVOptions struct {
	Name     string                               // of the instances; must be set
	Services []string                             // that each instance serves; must be set
	Scheme   string                               // http or https; empty means http
	Resolver SRVResolver                          // nil means net.DefaultResolver
	Interval time.Duration                        // between look-ups; 0 means 5 s
	After    func(time.Duration) <-chan time.Time // the clock; nil means time.After
	Log      *slog.Logger                         // must be set
}

// An SRV is the registry of the instances that DNS SRV records name, such as those of
// _directory._tcp.example.com: the records of the lowest priority number. It ignores their
// weights. It looks the records up again and again; a failed or empty look-up keeps the last
// instances. Reports hold in this process only.
type SRV struct {
	*board
	record  string
	options SRVOptions
}

// NewSRV returns the registry of an SRV record. It returns a fault.ErrInvalid for a record
// name, a scheme, a name or services that are not valid.
func NewSRV(record string, options SRVOptions) (*SRV, error) {
	options.Scheme = cmp.Or(options.Scheme, "http")
	options.Interval = cmp.Or(options.Interval, defaultLookUpInterval)
	if options.Resolver == nil {
		options.Resolver = net.DefaultResolver
	}
	if options.After == nil {
		options.After = time.After
	}
	s := &SRV{newBoard(), strings.TrimSuffix(record, "."), options}
	example, err := s.instanceOf(&net.SRV{Target: s.record, Port: 1})
	if err != nil {
		return nil, fault.Invalidf("invalid SRV record %q: %w", record, err)
	}
	s.options.Services = example.Services
	return s, nil
}

// Run implements Registry.
func (s *SRV) Run(ctx context.Context) error {
	outage := false
	for ctx.Err() == nil {
		switch err := s.lookUp(ctx); {
		case ctx.Err() != nil:
		case err != nil && !outage:
			s.options.Log.Warn("look-up of an SRV record failed, keeping its last instances; check the record and the name server", "record", s.record, "error", err)
			outage = true
		case err == nil && outage:
			s.options.Log.Info("SRV record is found again", "record", s.record)
			outage = false
		}
		select {
		case <-s.options.After(s.options.Interval):
		case <-ctx.Done():
		}
	}
	return nil
}

// lookUp replaces the instances by those of the records.
func (s *SRV) lookUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookUpTimeout)
	defer cancel()
	_, records, err := s.options.Resolver.LookupSRV(ctx, "", "", s.record)
	var instances []Instance
	for _, record := range records {
		if record.Priority != slices.MinFunc(records, byPriority).Priority || strings.Trim(record.Target, ".") == "" {
			continue
		}
		instance, invalid := s.instanceOf(record)
		if invalid != nil {
			err = errors.Join(err, invalid)
			continue
		}
		instances = append(instances, instance)
	}
	if len(instances) > 0 {
		s.board.change(func() { s.replace(instances) })
		return nil
	}
	return cmp.Or(err, errors.New("the record names no host"))
}

func byPriority(a, b *net.SRV) int { return cmp.Compare(a.Priority, b.Priority) }

func (s *SRV) instanceOf(record *net.SRV) (Instance, error) {
	host := strings.TrimSuffix(record.Target, ".")
	url := s.options.Scheme + "://" + net.JoinHostPort(host, strconv.Itoa(int(record.Port)))
	return Instance{
		ID: idOfURL(s.options.Name, url), Name: s.options.Name, URL: url, Services: s.options.Services, Host: host,
	}.normalized()
}

// services implements servicesNamer.
func (s *SRV) services() []string { return s.options.Services }
