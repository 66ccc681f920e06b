package app

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/bongsu-project/bongsu/services/access"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/directory"
	"github.com/bongsu-project/bongsu/services/edge"
	"github.com/bongsu-project/bongsu/services/event"
	"github.com/bongsu-project/bongsu/services/inbox"
	"github.com/bongsu-project/bongsu/services/incident"
	"github.com/bongsu-project/bongsu/services/mockup"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/sender"
)

// The services, by their names in --services, logs and responses to callers.
const (
	Edge      = "edge"
	Access    = "access"
	Directory = "directory"
	Alert     = "alert"
	Event     = "event"
	Inbox     = "inbox"
	Incident  = "incident"
	Monitor   = "monitor"
	Sender    = "sender"
	Mockup    = "mockup"
)

// services lists the services, in the order of --services.
var services = []service{
	{Edge, "", func(c *Config) *string { return &c.Edge.Addr }},
	{Access, access.DefaultAddr, func(c *Config) *string { return &c.Access.Addr }},
	{Directory, directory.DefaultAddr, func(c *Config) *string { return &c.Directory.Addr }},
	{Alert, alert.DefaultAddr, func(c *Config) *string { return &c.Alert.Addr }},
	{Event, event.DefaultAddr, func(c *Config) *string { return &c.Event.Addr }},
	{Inbox, inbox.DefaultAddr, func(c *Config) *string { return &c.Inbox.Addr }},
	{Incident, incident.DefaultAddr, func(c *Config) *string { return &c.Incident.Addr }},
	{Monitor, monitor.DefaultAddr, func(c *Config) *string { return &c.Monitor.Addr }},
	{Sender, sender.DefaultAddr, func(c *Config) *string { return &c.Sender.Addr }},
	{Mockup, mockup.DefaultAddr, func(c *Config) *string { return &c.Mockup.Addr }},
}

// A service describes a service to the settings.
type service struct {
	name        string
	defaultAddr string                // if addr is empty: a port of a split deployment, on loopback
	addr        func(*Config) *string // its setting
}

// olderNames maps names of services of older versions, which --services accepts, to their
// names.
var olderNames = map[string]string{"group": Directory}

// serviceNames returns the names of the services in --services.
func serviceNames() []string {
	var names []string
	for _, s := range services {
		names = append(names, s.name)
	}
	return names
}

// expandServices returns the names of the services that words name, in the order of
// services.
func expandServices(words []string) ([]string, error) {
	named := map[string]bool{}
	for _, word := range words {
		if word == "all" {
			for _, s := range services {
				named[s.name] = named[s.name] || s.name != Mockup
			}
			continue
		}
		i := slices.IndexFunc(services, func(s service) bool { return s.name == word || s.name == olderNames[word] })
		if i < 0 {
			return nil, fmt.Errorf("unknown service %q in --services: use all, or some of %s", word, strings.Join(serviceNames(), ", "))
		}
		named[services[i].name] = true
	}
	var names []string
	for _, s := range services {
		if named[s.name] {
			names = append(names, s.name)
		}
	}
	return names, nil
}

// has reports whether the process runs a service.
func (c Config) has(service string) bool { return slices.Contains(c.Services, service) }

// addr returns the listen address of a service, or "" if it has no port of its own: by
// default only the edge, the mockup, and services in a process without the edge have one.
func (c Config) addr(name string) string {
	for _, s := range services {
		if s.name != name {
			continue
		}
		if a := *s.addr(&c); a != "" || name != Mockup && c.has(Edge) {
			return a
		}
		return s.defaultAddr
	}
	return ""
}

// checkUpstreams returns an error that names the ways to a missing upstream.
func (c Config) checkUpstreams() error {
	for _, need := range []struct {
		who, whom, flag, value string
	}{
		{Edge, Directory, "--directory-service-url", c.DirectoryServiceURL},
		{Edge, Alert, "--alert-url", c.AlertURL},
		{Alert, Directory, "--directory-service-url", cmp.Or(c.Alert.UserInfoURL, c.DirectoryServiceURL)},
		{Event, Alert, "--alert-url", c.AlertURL},
		{Inbox, Alert, "--alert-url", c.AlertURL},
		{Incident, Alert, "--alert-url", c.AlertURL},
		{Monitor, Alert, "--alert-url", c.AlertURL},
		{Sender, Alert, "--alert-url", c.AlertURL},
	} {
		if c.has(need.who) && !c.has(need.whom) && need.value == "" && c.NATSURL == "" {
			return fmt.Errorf("%s needs the %s service, which this process does not run: set --nats-url, by which processes find one another, or %s, or add it to --services", need.who, need.whom, need.flag)
		}
	}
	if c.has(Edge) && !c.has(Access) && c.AccessServiceURL == "" && c.NATSURL == "" && c.Edge.Auth == edge.AuthRequired {
		return errors.New("with --auth=required the edge needs the access service, which this process does not run: set --nats-url, by which processes find one another, or --access-service-url, or add it to --services")
	}
	if c.has(Alert) != c.has(Sender) && c.NATSURL == "" {
		return errors.New("the alert service and the senders run in different processes: set --nats-url to the NATS server between them")
	}
	return nil
}

// isLoopback reports whether an address is reachable from this machine only.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
