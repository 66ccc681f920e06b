package edge

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

const (
	// maxJoinedServices is the maximum number of Protobuf services that join an edge.
	maxJoinedServices = 256
	// maxDescriptorReads is the maximum number of concurrent reads of descriptors.
	maxDescriptorReads = 4
	// descriptorTimeout is the timeout of one of them.
	descriptorTimeout = 10 * time.Second
	// maxRetry is the longest time until descriptors are read again after an error.
	maxRetry = time.Minute
)

// JoinedConfig is what the services that join an edge are called by. All but Retry must be set.
type JoinedConfig struct {
	// Client sends calls for BaseURL to an instance of the service in the path, by HTTP/2.
	Client  *http.Client
	BaseURL string
	// Direct sends requests to the URL of an instance, by HTTP/2: to read its descriptors.
	Direct *http.Client
	Log    *slog.Logger
	// Retry is the time until descriptors are read again after an error; it doubles with each,
	// up to a minute. 0 means a second.
	Retry time.Duration
}

// Joined serves the Protobuf services of other processes that the edge does not know at build
// time. It reads the descriptors of a service from its newest instance, finds the policies and
// the REST paths in them, and routes the service as the edge's own, until the process ends:
// without any instance its callers get unavailable. It is safe for concurrent use.
type Joined struct {
	edge     Edge
	options  rpc.Options
	config   JoinedConfig
	own      map[string]bool // the names of the edge's own services
	reserved map[string]bool // permissions
	paths    []takenPath     // the edge's own

	mu        sync.Mutex
	instances []discovery.Instance // the latest
	wake      chan struct{}

	set      rpc.ServiceSet
	states   atomic.Pointer[[]JoinedService]
	readOnly atomic.Pointer[map[string]bool] // by procedure

	services map[string]*joinedService // by name; Run alone uses it
	logged   map[string]string         // the logged reason of a service by its name
	results  chan descriptorResult
	reading  int
	joins    int // the number of services that have joined ever
}

// NewJoined returns the joined services of an edge, none at first. options are those of
// e.Services.
func (e Edge) NewJoined(options rpc.Options, config JoinedConfig) (*Joined, error) {
	if config.Retry == 0 {
		config.Retry = time.Second
	}
	j := &Joined{
		edge: e, options: options, config: config, own: map[string]bool{},
		wake: make(chan struct{}, 1), services: map[string]*joinedService{}, logged: map[string]string{}, results: make(chan descriptorResult),
	}
	services := e.Services(options)
	names := make([]string, len(services))
	for i, s := range services {
		names[i], j.own[s.Name()] = s.Name(), true
		paths, err := rpc.RESTPaths(s)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			j.paths = append(j.paths, takenPath{path, s.Name()})
		}
	}
	methods, err := policy.NewTable(protoregistry.GlobalFiles, names...)
	if err != nil {
		return nil, err
	}
	j.reserved = reservedPermissions(methods)
	return j, nil
}

// Services returns the services as a port serves them.
func (j *Joined) Services() *rpc.ServiceSet { return &j.set }

// Update takes the instances that the registry knows now. It does not wait.
func (j *Joined) Update(instances []discovery.Instance) {
	j.mu.Lock()
	j.instances = instances
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default: // Run will see them
	}
}

// IsReadOnly reports whether a procedure is that of a joined service, and has no side effects.
func (j *Joined) IsReadOnly(procedure string) bool {
	if procedures := j.readOnly.Load(); procedures != nil {
		return (*procedures)[procedure]
	}
	return false
}

// A JoinedService is the state of a Protobuf service of another process.
type JoinedService struct {
	Name   string
	Routed bool
	Reason string // why it is not routed, or why its descriptors cannot be read
}

// States returns the states of all services that processes serve besides the edge's own, by
// name.
func (j *Joined) States() []JoinedService {
	if states := j.states.Load(); states != nil {
		return *states
	}
	return nil
}

// Run follows Update until ctx ends. It returns nil.
func (j *Joined) Run(ctx context.Context) error {
	timer := time.NewTimer(maxRetry)
	defer timer.Stop()
	for {
		if next, ok := j.plan(ctx, time.Now()); ok {
			timer.Reset(time.Until(next))
		}
		select {
		case <-ctx.Done():
			for ; j.reading > 0; j.reading-- {
				<-j.results // ctx ends the reads
			}
			return nil
		case <-j.wake:
		case <-timer.C:
		case result := <-j.results:
			j.reading--
			j.take(result)
		}
	}
}

// plan starts the reads that are due. It returns the time of the next one, and reports whether
// there is one.
func (j *Joined) plan(ctx context.Context, now time.Time) (next time.Time, ok bool) {
	j.mu.Lock()
	offered := instancesByService(j.instances)
	j.mu.Unlock()
	j.forget(offered)
	for name, instances := range offered {
		s := j.service(name)
		if s == nil || s.reading || s.settled == instances[0].ID {
			continue
		}
		if s.target != instances[0].ID { // another newest instance
			s.target, s.failures, s.retry = instances[0].ID, 0, now
		}
		switch {
		case s.retry.After(now):
			if !ok || s.retry.Before(next) {
				next, ok = s.retry, true
			}
		case j.reading < maxDescriptorReads: // otherwise, the end of a read plans again
			j.reading++
			s.reading = true
			go j.read(ctx, s.name, s.target, instances[s.failures%len(instances)])
		}
	}
	return next, ok
}

// instancesByService returns the serving instances of each Protobuf service, the newest first.
func instancesByService(instances []discovery.Instance) map[string][]discovery.Instance {
	offered := map[string][]discovery.Instance{}
	for _, one := range instances {
		if one.State != discovery.Serving {
			continue
		}
		for _, name := range one.Services {
			offered[name] = append(offered[name], one)
		}
	}
	for _, list := range offered {
		slices.SortFunc(list, func(a, b discovery.Instance) int {
			if order := b.Start.Compare(a.Start); order != 0 {
				return order
			}
			return strings.Compare(a.ID, b.ID)
		})
	}
	return offered
}

// service returns a service by its name, or nil for one that cannot join: of the edge itself,
// of the protocol, or one too many.
func (j *Joined) service(name string) *joinedService {
	if s := j.services[name]; s != nil {
		return s
	}
	if j.own[name] || strings.HasPrefix(name, "grpc.") || !protoreflect.FullName(name).IsValid() || len(j.services) >= maxJoinedServices {
		return nil
	}
	s := &joinedService{name: name}
	j.services[name] = s
	return s
}

// forget removes the services that never joined and have no instance.
func (j *Joined) forget(offered map[string][]discovery.Instance) {
	for name, s := range j.services {
		if offered[name] == nil && s.joined == 0 && !s.reading {
			delete(j.services, name)
			j.publish()
		}
	}
}

// A descriptorResult is the end of a read.
type descriptorResult struct {
	name, target string
	instance     discovery.Instance
	descriptors  *descriptors
	err          error
}

// read reads the descriptors of a service from an instance.
func (j *Joined) read(ctx context.Context, name, target string, from discovery.Instance) {
	ctx, cancel := context.WithTimeout(ctx, descriptorTimeout)
	defer cancel()
	result := descriptorResult{name: name, target: target, instance: from}
	result.descriptors, result.err = readDescriptors(ctx, j.config.Direct, from.URL, protoreflect.FullName(name))
	if result.err == nil {
		_, _, result.err = result.descriptors.build()
	}
	j.results <- result
}

// take takes the result of a read.
func (j *Joined) take(result descriptorResult) {
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
		j.judge(s)
	}
	s.settled, s.failures = result.target, 0
	j.publish()
}

// judge routes the latest version of a service, or decides that it is not routed.
func (j *Joined) judge(s *joinedService) {
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
			j.config.Log.Log(context.Background(), level, "service is not routed", "service", s.name, "instance", s.instance.ID, "reason", truncate(err.Error(), maxReasonBytes))
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

// publish publishes the states of all services.
func (j *Joined) publish() {
	states, readOnly := []JoinedService{}, map[string]bool{}
	for _, s := range j.services {
		states = append(states, JoinedService{s.name, s.routed, s.reason})
		if s.routed {
			s.addReadOnly(readOnly)
		}
	}
	slices.SortFunc(states, func(a, b JoinedService) int { return strings.Compare(a.Name, b.Name) })
	j.states.Store(&states)
	j.readOnly.Store(&readOnly)
}
