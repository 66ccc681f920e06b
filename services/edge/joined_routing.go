package edge

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/kit/rpc"
)

// take takes the result of a read.
func (j *Joined) take(ctx context.Context, result descriptorResult) {
	s := j.services[result.name]
	s.reading = false
	switch {
	case result.err != nil:
		s.failures++
		s.retry = time.Now().Add(min(j.config.Retry<<min(s.failures-1, 10), maxRetry))
		isNew := j.explain(s, "descriptors cannot be read: "+result.err.Error())
		j.publish()
		if isNew {
			j.config.Log.Warn("descriptors of a service cannot be read, trying again", "service", s.name, "instance", result.instance.ID, "url", result.instance.URL, "error", truncate(result.err.Error(), maxReasonBytes))
		}
		return
	case s.descriptors != nil && s.descriptors.version == result.descriptors.version:
		j.explain(s, s.accepted)
	default:
		s.descriptors, s.instance = result.descriptors, result.instance
		j.judge(ctx, s)
	}
	s.settled, s.failures = result.target, 0
	j.publish()
}

// judge routes the latest version of a service, or decides that it is not routed.
func (j *Joined) judge(ctx context.Context, s *joinedService) {
	before := s.routed
	if err := j.build(s); err != nil {
		s.routed, s.accepted = false, err.Error()
		if before {
			j.replace(s)
		}
		isNew := j.explain(s, s.accepted)
		j.publish()
		if isNew {
			level := slog.LevelWarn
			if errors.Is(err, errInternalService) {
				level = slog.LevelInfo
			}
			j.config.Log.Log(ctx, level, "service is not routed", "service", s.name, "instance", s.instance.ID, "reason", truncate(err.Error(), maxReasonBytes))
		}
		return
	}
	if s.joined == 0 {
		j.joins++
		s.joined = j.joins
	}
	s.accepted = ""
	j.explain(s, "")
	if !j.replace(s) {
		return
	}
	if j.edge.Requests != nil {
		j.edge.Requests.Serve(s.procedures())
	}
	j.publish()
	j.config.Log.Info("service joined", "service", s.name, "instance", s.instance.ID, "program", s.instance.Version, "descriptors", s.descriptors.version,
		"methods", len(s.service.Attachments), "rest_paths", len(s.paths), "replaced", before)
}

// replace replaces the routed services, and reports whether changed fits to the others. If not,
// it is not routed.
func (j *Joined) replace(changed *joinedService) bool {
	err := j.set.Replace(j.routed()...)
	if err == nil {
		return true
	}
	j.config.Log.Error("joined service does not fit the others, it is not routed", "service", changed.name, "error", truncate(err.Error(), maxReasonBytes))
	changed.routed, changed.accepted = false, err.Error()
	j.explain(changed, changed.accepted)
	if err := j.set.Replace(j.routed()...); err != nil {
		j.config.Log.Error("joined services cannot be replaced", "error", truncate(err.Error(), maxReasonBytes))
	}
	return false
}

// explain sets the reason of a service, and reports whether it is to be logged: it is another
// one than the last, also if the service had no instance in between.
func (j *Joined) explain(s *joinedService, reason string) bool {
	s.reason = reason
	if j.logged[s.name] == reason {
		return false
	}
	if len(j.logged) > 4*maxJoinedServices {
		clear(j.logged)
	}
	j.logged[s.name] = reason
	return true
}

// routed returns the routed services in the order in which they joined.
func (j *Joined) routed() []rpc.Service {
	var services []rpc.Service
	for _, s := range j.ordered() {
		if s.routed {
			services = append(services, s.service)
		}
	}
	return services
}

// ordered returns the services that have joined, in that order.
func (j *Joined) ordered() []*joinedService {
	var all []*joinedService
	for _, s := range j.services {
		if s.joined > 0 {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *joinedService) int { return a.joined - b.joined })
	return all
}
