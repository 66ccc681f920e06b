package discovery

import (
	"context"
	"net/url"
	"strings"

	"github.com/bongsu-project/bongsu/kit/fault"
)

var _ Registry = (*StaticRegistry)(nil)

// A StaticRegistry holds instances that are given by hand. Reports hold in this process only.
type StaticRegistry struct{ *board }

// Static returns a registry of the given instances, which are Serving unless their State says
// otherwise. A missing ID becomes one of name and URL, a slash at the end of a URL is dropped.
// Static returns a fault.ErrInvalid for an instance that is not valid, or is given twice.
func Static(instances []Instance) (*StaticRegistry, error) {
	normalized := make([]Instance, 0, len(instances))
	seen := map[string]bool{}
	for _, instance := range instances {
		instance.URL = strings.TrimSuffix(instance.URL, "/")
		if instance.ID == "" {
			instance.ID = idOfURL(instance.Name, instance.URL)
		}
		instance, err := instance.normalized()
		if err != nil {
			return nil, err
		}
		if seen[instance.ID] {
			return nil, fault.Invalidf("instance %s is given twice: name each instance of a service once", instance.ID)
		}
		seen[instance.ID] = true
		normalized = append(normalized, instance)
	}
	s := &StaticRegistry{newBoard()}
	s.change(func() { s.replace(normalized) })
	return s, nil
}

// Run implements Registry. It only waits for the end of ctx.
func (s *StaticRegistry) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// idOfURL returns the id of an instance that is known by its URL only. It is the same for the
// same URL in all processes.
func idOfURL(name, address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return name
	}
	id := name + "-" + strings.Trim(notInID.ReplaceAllString(parsed.Host, "-"), "-")
	return id[:min(len(id), maxIDLength)]
}
