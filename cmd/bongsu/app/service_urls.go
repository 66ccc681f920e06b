package app

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
)

// srvScheme is the scheme of a DNS SRV record in the flag of a service.
const srvScheme = "srv://"

// An upstreamFlag says where the instances of a service are, if other processes run it.
type upstreamFlag struct {
	service string   // its name
	flag    string   // of its URLs
	value   string   // URLs separated by commas, or an SRV record; empty means the registry
	calls   []string // the Protobuf services that this program calls
}

// upstreamFlags returns the flags of the services that other processes may run.
func (c Config) upstreamFlags() []upstreamFlag {
	return []upstreamFlag{
		{Access, "--access-service-url", c.AccessServiceURL, []string{accessv1connect.AccessServiceName, accessv1connect.CredentialServiceName}},
		{Directory, "--directory-service-url", c.DirectoryServiceURL, []string{
			groupv1connect.GroupServiceName, userv1connect.UserServiceName, userv1connect.DirectoryServiceName, userv1connect.TransferServiceName,
		}},
		{Alert, "--alert-url", c.AlertURL, []string{alertv1connect.AlertServiceName, messengerv1connect.MessengerServiceName, jobv1connect.DispatchServiceName, alertv1connect.CallbackEndpointServiceName, monitorv1connect.SystemValueServiceName}},
		{Event, "--event-service-url", c.EventServiceURL, []string{eventv1connect.EventServiceName}},
		{Inbox, "--inbox-service-url", c.InboxServiceURL, []string{inboxv1connect.InboxServiceName, inboxv1connect.InboxDeliveryServiceName}},
		{Incident, "--incident-service-url", c.IncidentServiceURL, []string{incidentv1connect.IncidentServiceName, incidentv1connect.SilenceServiceName, incidentv1connect.EscalationPolicyServiceName}},
		{Monitor, "--monitor-service-url", c.MonitorServiceURL, []string{
			monitorv1connect.MonitorServiceName, monitorv1connect.HeartbeatServiceName, monitorv1connect.MaintenanceServiceName, monitorv1connect.StatusPageServiceName, monitorv1connect.MonitorRunServiceName,
			monitorv1connect.MonitorSealServiceName,
		}},
	}
}

// urls returns the URLs, without slashes at the end; nil for an SRV record.
func (f upstreamFlag) urls() []string {
	if f.value == "" || f.record() != "" {
		return nil
	}
	urls := strings.Split(f.value, ",")
	for i, u := range urls {
		urls[i] = strings.TrimRight(strings.TrimSpace(u), "/")
	}
	return urls
}

// record returns the name of the SRV record, or "".
func (f upstreamFlag) record() string {
	record, ok := strings.CutPrefix(f.value, srvScheme)
	if !ok {
		return ""
	}
	return strings.TrimRight(record, "/")
}

// checkServiceURLList validates where the instances of another service are: URLs separated by
// commas, or one SRV record.
func checkServiceURLList(value string) error {
	if record, ok := strings.CutPrefix(value, srvScheme); ok {
		if checkHost(strings.TrimRight(record, "./")) != nil {
			return errors.New("must be an SRV record such as srv://_alert._tcp.example.com, and only one")
		}
		return nil
	}
	seen := map[string]bool{}
	for i, part := range strings.Split(value, ",") {
		if i > 0 {
			part = strings.TrimPrefix(part, " ")
		}
		if err := checkServiceURL(part); err != nil {
			return err
		}
		one := strings.TrimRight(part, "/")
		if strings.Count(one, "/") > 2 {
			return errors.New(wantServiceURLs + ", without a path")
		}
		if seen[one] {
			return errors.New(wantServiceURLs + ", or several different ones separated by commas")
		}
		seen[one] = true
	}
	return nil
}

// moveServiceURLs moves service URLs in the flags of databases to those of services:
// --directory-url and --access-url name databases, but look as if they named services.
func (s *settings) moveServiceURLs() error {
	for _, flag := range []struct {
		name, service  string
		database, urls *string
	}{
		{"--directory-url", Directory, &s.Directory.DatabaseURL, &s.DirectoryServiceURL},
		{"--access-url", Access, &s.Access.DatabaseURL, &s.AccessServiceURL},
		{"--event-url", Event, &s.Event.DatabaseURL, &s.EventServiceURL},
		{"--inbox-url", Inbox, &s.Inbox.DatabaseURL, &s.InboxServiceURL},
		{"--incident-url", Incident, &s.Incident.DatabaseURL, &s.IncidentServiceURL},
		{"--monitor-url", Monitor, &s.Monitor.DatabaseURL, &s.MonitorServiceURL},
	} {
		value := *flag.database
		if !strings.HasPrefix(value, "http://") && !strings.HasPrefix(value, "https://") && !strings.HasPrefix(value, srvScheme) {
			continue
		}
		if s.has(flag.service) {
			return fmt.Errorf("%s must name the database of the %s service, which runs in this process", flag.name, flag.service)
		}
		if *flag.urls != "" {
			return fmt.Errorf("%s and --%s-service-url both name the %s service: set one", flag.name, flag.service, flag.service)
		}
		*flag.urls, *flag.database = value, ""
	}
	return nil
}
