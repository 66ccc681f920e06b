package edge

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
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

// JoinedConfig holds the dependencies by which an edge calls joined services. All but Retry must be set.
type JoinedConfig struct {
	// Client sends calls for BaseURL to an instance of the service in the path, by HTTP/2.
	Client  *http.Client
	BaseURL string
	// Direct sends requests to the URL of an instance, by HTTP/2: to read its descriptors.
	Direct *http.Client
	Log    *slog.Logger
	// Calls are interceptors of the calls to instances, such as those of rpc.TraceCalls.
	Calls []connect.Interceptor
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

	set    rpc.ServiceSet
	states atomic.Pointer[[]JoinedService]

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

// A JoinedService is the state of a Protobuf service of another process.
type JoinedService struct {
	Name   string
	Routed bool
	Reason string // why it is not routed, or why its descriptors cannot be read
}

// States returns the states of the services that processes serve and this program does not know,
// by name.
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
			j.take(ctx, result)
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
		if s == nil || s.known || s.reading || s.settled == instances[0].ID {
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
	s := &joinedService{name: name, known: j.refuseKnown(name)}
	j.services[name] = s
	return s
}

// refuseKnown reports whether this program has the descriptor of a service, and it is not for
// outside callers: then it needs not be read.
func (j *Joined) refuseKnown(name string) bool {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return false
	}
	service, ok := found.(protoreflect.ServiceDescriptor)
	if !ok {
		return true
	}
	_, err = joinedPolicies(service, nil)
	if err != nil && j.logged[name] != err.Error() {
		j.logged[name] = err.Error()
		j.config.Log.Info("service is not routed", "service", name, "reason", err.Error())
	}
	return err != nil
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

// publish publishes the states of all services.
func (j *Joined) publish() {
	states := make([]JoinedService, 0, len(j.services))
	for _, s := range j.services {
		if !s.known {
			states = append(states, JoinedService{s.name, s.routed, s.reason})
		}
	}
	slices.SortFunc(states, func(a, b JoinedService) int { return strings.Compare(a.Name, b.Name) })
	j.states.Store(&states)
}
